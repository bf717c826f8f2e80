import AuthModels
import AuthSession

// The invariants. The numbers are those that a violation prints; docs/refresh.md explains them.
extension World {
    /// 1 and 9: before a request leaves.
    func checkSend(_ process: SimulatedProcess, _ session: OpenedSession) {
        let reference = session.record.reference
        let settling = Instant(machine.policy.settling)
        requests.removeAll {
            !$0.isInFlight && $0.session.record.reference != reference
                && now - $0.sentAt > .s(60)
        }
        for earlier in requests where earlier.session.record.reference == reference {
            let pair = "request \(earlier.id) and a new one of p\(process.index)"
            if earlier.isInFlight {
                fail(1, "\(pair) are in flight for generation \(reference.generation)")
            }
            switch earlier.outcome {
            case .open: break
            case .uncertain:
                if now - earlier.sentAt < settling { fail(1, "\(pair) are too close") }
            case .tokens:
                if !earlier.isKept, !earlier.isDropped, isAlive(earlier.owner) {
                    fail(1, "\(pair): the first one's answer is here and not stored yet")
                }
            case .invalidGrant:
                if !earlier.isExcused, isAlive(earlier.owner) {
                    fail(1, "\(pair): the first one was answered with invalid_grant")
                }
            case .refused: break
            }
        }
        checkRate()
    }

    /// A failing request is repeated once a second at most, by each process.
    private func checkRate() {
        let failed = requests.filter { request in
            if case .tokens = request.outcome { return false }
            return now - request.sentAt <= .s(60)
        }
        if failed.count > 62 * (weather.processes + 1) {
            fail(9, "\(failed.count) requests in a minute that brought no tokens")
        }
    }

    private func isAlive(_ owner: SimulatedLock.Owner) -> Bool {
        processes[owner.process].isAlive && processes[owner.process].life == owner.life
    }

    func noteKept(_ refreshed: RefreshedTokens) {
        provider.setFate(refreshed.tokens.refresh?.reveal(), .durable)
        for index in requests.indices {
            if case .tokens(let brought) = requests[index].outcome, brought == refreshed {
                requests[index].isKept = true
            }
        }
    }

    /// The store refused to write the end that an answer asked for: it is asked again later.
    func excuse(_ reference: SessionReference, dropped: RefreshedTokens? = nil) {
        for index in requests.indices where requests[index].session.record.reference == reference {
            requests[index].isExcused = true
            if dropped != nil { requests[index].isDropped = true }
        }
        provider.setFate(dropped?.tokens.refresh?.reveal(), .unreceived)
    }

    /// A sign-out leaves a refresh behind, and may fail.
    func excuseAll() {
        for index in requests.indices { requests[index].isExcused = true }
    }

    /// 2: after each transaction.
    func checkStore() {
        guard let record = store.record else { return }
        if !ledger.noteGeneration(record.generation) {
            fail(2, "the stored generation fell to \(record.generation)")
        }
    }

    /// 3: when a caller is served.
    func checkServed(_ process: SimulatedProcess, _ token: IssuedToken, _ id: Waiter.ID) {
        let entry = Ledger.Stored(generation: token.generation, access: token.access)
        if !ledger.stored.contains(entry) {
            fail(3, "waiter \(id.number) of p\(process.index) got a token that is not stored")
        }
    }

    /// 4 and 7: when a session is ended in the store.
    func checkExpiry(_ reference: SessionReference, _ reason: ExpiryReason) {
        counts.count("ended: \(reason.rawValue)")
        note { "the session ends: \(reason.rawValue)" }
        let asked = requests.filter { $0.session.record.reference == reference }
        let refresh = asked.last?.refreshToken
        let family = refresh.flatMap { provider.family(of: $0) }
        let isInvalid = asked.contains { request in
            if case .invalidGrant = request.outcome { return true }
            return false
        }
        switch reason {
        case .identityChanged:
            if weather.identityChange == 0, !isCalm { fail(4, "nobody's identity has changed") }
        case .revoked:
            if !isInvalid { fail(4, "ended without invalid_grant") }
            if family?.isRevokedByProvider != true {
                fail(7, "called revoked; the provider did not revoke it")
            }
        case .outcomeUnknown:
            if !isInvalid { fail(4, "ended without invalid_grant") }
            if family?.isRevokedByProvider == true { return }
            checkLoss(asked, refresh)
        case .expired, .keyLost: fail(4, "ended as \(reason.rawValue) in the store")
        }
    }

    private func checkLoss(_ asked: [SimulatedRequest], _ refresh: String?) {
        guard let refresh, let consumedAt = provider.tokens[refresh]?.consumedAt else {
            fail(7, "a session was lost though its token was never used up")
            return
        }
        if provider.rotation == .oneTimeWithGrace {
            let refused = asked.first { request in
                if case .invalidGrant = request.outcome { return true }
                return false
            }
            if let refused, refused.arrivalAt - consumedAt <= SimulatedProvider.grace {
                fail(7, "a session was lost though the replay came within the grace")
            }
        }
    }

    /// 5 and 8: after each step of a process.
    func checkAttempts(of process: SimulatedProcess) {
        var current: UInt64?
        if case .refreshing(let refreshing) = process.state {
            current = refreshing.attempt.number
            if process.pending[refreshing.attempt.number, default: 0] < 1 {
                fail(5, "p\(process.index) waits for nothing in \(Describe.state(process.state))")
            }
        }
        if let holder = lock.holder, holder.process == process.index,
            holder.life == process.life, holder.attempt != current,
            process.pending[holder.attempt, default: 0] < 1
        {
            fail(8, "p\(process.index) keeps the lock of attempt \(holder.attempt)")
        }
    }

    /// 5, 6 and 8, once everything has come to rest.
    func checkEnd() {
        if !ledger.callers.isEmpty { fail(5, "\(ledger.callers.count) callers still wait") }
        if !ledger.signIns.isEmpty || !ledger.signOuts.isEmpty {
            fail(5, "a sign-in or a sign-out never ended")
        }
        if lock.holder != nil { fail(8, "the lock is still held") }
        if !store.queue.isEmpty { fail(6, "\(store.queue.count) revocations are left") }
        let current = store.tokens?.refresh?.reveal()
        for family in provider.families where family.isAlive && family.head != current {
            switch provider.tokens[family.head]?.fate {
            case .durable?: fail(6, "\(family.head) is alive at the provider, and forgotten here")
            case .received(let process, let life)?:
                if processes[process].life == life {
                    fail(6, "p\(process) holds \(family.head) and does nothing about it")
                }
                counts.lostTokens += 1
            case .unreceived?, nil: counts.lostTokens += 1
            }
        }
    }
}
