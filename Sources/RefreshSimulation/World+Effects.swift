import AuthModels
import AuthSession

// What `AuthService` does with effects, on simulated parts.
extension World {
    func run(_ effect: AuthEffect, in process: SimulatedProcess) {
        switch effect {
        case .beginSignIn(let attempt): beginSignIn(process, attempt)
        case .exchangeCode(let attempt): exchangeCode(process, attempt)
        case .abandonSignIn(let attempt): process.abandoned.insert(attempt.number)
        case .endSignIn(let attempt, _): endSignIn(process, attempt)
        case .storeSignOut(let attempt): storeSignOut(process, attempt)
        case .endSignOut(let attempt, let error): endSignOut(process, attempt, error)
        case .acquireLock(let attempt, let within): acquireLock(process, attempt, within)
        case .releaseLock(let attempt): releaseLock(process, attempt)
        case .readSession(let attempt): readSession(process, attempt)
        case .wait(let attempt, let duration): wait(process, attempt, duration)
        case .mark(let attempt, let reference): mark(process, attempt, reference)
        case .send(let attempt, let session): send(process, attempt, session)
        case .clearMark(let attempt, let reference):
            close(process, attempt) { () throws(StoreError) in
                try self.store.clearMark(reference)
            }
        case .postponeMark(let attempt, let reference, let retryAfter):
            close(process, attempt) { () throws(StoreError) in
                try self.store.postponeMark(reference, retryAfter: retryAfter)
            }
        case .commit(let attempt, let reference, let refreshed):
            commit(process, attempt, reference, refreshed)
        case .expire(let attempt, let reference, let reason, let discarding):
            expire(process, attempt, reference, reason, discarding)
        case .dispose(let attempt, let reference, let refreshed):
            dispose(process, attempt, reference, refreshed)
        case .wake(let id, let result): wake(process, id, result)
        case .sendRevocations: sendRevocations(process)
        }
    }

    /// One transaction, a little later; its result, a little later still.
    func transaction<Value>(
        by process: SimulatedProcess,
        _ body: @escaping () throws(StoreError) -> Value,
        then: @escaping (Result<Value, StoreError>) -> Void
    ) {
        after(random.between(.ms(1), .ms(6)), by: process) {
            let result: Result<Value, StoreError>
            if self.random.chance(self.weather.busyStore) {
                result = .failure(.unavailable(.busy))
            } else {
                do throws(StoreError) { result = .success(try body()) } catch {
                    result = .failure(error)
                }
            }
            self.checkStore()
            self.after(self.random.between(0, .ms(2)), by: process) { then(result) }
        }
    }

    private func begin(_ process: SimulatedProcess, _ attempt: Attempt) {
        process.pending[attempt.number, default: 0] += 1
    }

    // MARK: Lock

    private func acquireLock(_ process: SimulatedProcess, _ attempt: Attempt, _ within: Duration) {
        begin(process, attempt)
        let owner = SimulatedLock.Owner(
            process: process.index, life: process.life, attempt: attempt.number)
        after(random.between(0, .ms(1)), by: process) {
            if self.options.mutant == .noLock {
                self.report(process, attempt, .locked)
                return
            }
            self.lock.waiters.append(owner)
            self.grantLock()
            self.after(Instant(within), by: process) {
                guard let index = self.lock.waiters.firstIndex(of: owner) else { return }
                self.lock.waiters.remove(at: index)
                self.report(process, attempt, .lockFailed(.busy))
            }
        }
    }

    func grantLock() {
        guard lock.holder == nil else { return }
        let ready = lock.waiters.indices.filter { !processes[lock.waiters[$0].process].isStopped }
        guard !ready.isEmpty else { return }
        let owner = lock.waiters.remove(at: ready[random.below(ready.count)])
        lock.holder = owner
        let process = processes[owner.process]
        after(random.between(0, .ms(1)), by: process) {
            self.report(process, Attempt(owner.attempt), .locked)
        }
    }

    /// Giving back what is not held is no fault: two late results of one attempt may both do it.
    private func releaseLock(_ process: SimulatedProcess, _ attempt: Attempt) {
        let owner = SimulatedLock.Owner(
            process: process.index, life: process.life, attempt: attempt.number)
        guard lock.holder == owner else { return }
        lock.holder = nil
        grantLock()
    }

    private func releaseIfLeft(_ process: SimulatedProcess, _ attempt: Attempt) {
        if case .refreshing(let refreshing) = process.state, refreshing.attempt == attempt {
            return
        }
        releaseLock(process, attempt)
    }

    // MARK: Store

    private func readSession(_ process: SimulatedProcess, _ attempt: Attempt) {
        begin(process, attempt)
        transaction(by: process) { () throws(StoreError) in
            if self.options.mutant == .noReread, let last = process.lastRead { return last }
            return try self.store.read()
        } then: { result in
            switch result {
            case .success(let stored):
                process.lastRead = stored
                self.report(process, attempt, .read(stored))
            case .failure(let error):
                if case .refreshing(let refreshing) = process.state,
                    case .confirming(let record, _) = refreshing.stage
                {
                    self.excuse(record.reference)
                }
                self.report(process, attempt, .readFailed(error))
            }
        }
    }

    private func wait(_ process: SimulatedProcess, _ attempt: Attempt, _ duration: Duration) {
        begin(process, attempt)
        var delay = Instant(duration)
        if options.mutant == .noSettle, case .refreshing(let refreshing) = process.state,
            case .settling = refreshing.stage
        {
            delay = 0
        }
        after(delay, by: process) {
            if self.options.mutant == .releaseInPause { self.releaseIfLeft(process, attempt) }
            self.report(process, attempt, .waited)
        }
    }

    private func mark(
        _ process: SimulatedProcess, _ attempt: Attempt, _ reference: SessionReference
    ) {
        begin(process, attempt)
        transaction(by: process) { () throws(StoreError) in
            if self.options.mutant == .noMark { return true }
            return try self.store.mark(reference, at: self.moment())
        } then: { result in
            switch result {
            case .success(let isMarked): self.report(process, attempt, .marked(isMarked))
            case .failure(let error): self.report(process, attempt, .markFailed(error))
            }
        }
    }

    private func close(
        _ process: SimulatedProcess, _ attempt: Attempt,
        _ body: @escaping () throws(StoreError) -> Void
    ) {
        begin(process, attempt)
        transaction(by: process, body) { result in
            switch result {
            case .success: self.report(process, attempt, .closed(nil))
            case .failure(let error): self.report(process, attempt, .closed(error))
            }
        }
    }

    private func commit(
        _ process: SimulatedProcess, _ attempt: Attempt, _ reference: SessionReference,
        _ refreshed: RefreshedTokens
    ) {
        begin(process, attempt)
        if options.mutant == .handOutBeforeCommit, case .refreshing(let left) = process.state {
            var record = left.session.record
            record.generation = record.generation.next
            let token = IssuedToken(access: refreshed.tokens.access, record: record)
            for waiter in left.waiters { checkServed(process, token, waiter.id) }
        }
        transaction(by: process) { () throws(StoreError) in
            let outcome = try self.storeCommit(reference, refreshed)
            if self.random.chance(self.weather.ambiguousCommit) {
                // It is on disk, and the report of it is lost.
                throw StoreError.unavailable(.inputOutput("commit"))
            }
            return outcome
        } then: { result in
            switch result {
            case .success(let outcome): self.report(process, attempt, .committed(outcome))
            case .failure(let error):
                self.report(process, attempt, .commitFailed(reference, refreshed, error))
            }
        }
    }

    private func storeCommit(
        _ reference: SessionReference, _ refreshed: RefreshedTokens
    ) throws(StoreError) -> CommitOutcome {
        let isOver = store.record?.phase != .active
        let outcome = try store.commit(reference, refreshed)
        noteKept(refreshed)
        if case .committed(let session) = outcome {
            ledger.noteCommitted(session)
            if isOver { fail(6, "a refresh brought back a session that was over") }
        }
        return outcome
    }

    private func expire(
        _ process: SimulatedProcess, _ attempt: Attempt, _ reference: SessionReference,
        _ reason: ExpiryReason, _ discarding: RefreshedTokens?
    ) {
        begin(process, attempt)
        transaction(by: process) { () throws(StoreError) in
            let isExpired = try self.store.expire(
                reference, reason: reason, revoking: reason == .identityChanged)
            if isExpired { self.checkExpiry(reference, reason) }
            return isExpired
        } then: { result in
            switch result {
            case .success(let isExpired):
                guard let discarding else {
                    self.report(process, attempt, .expired(isExpired))
                    return
                }
                self.keepOrRevoke(process, reference, discarding) {
                    self.report(process, attempt, .expired(isExpired))
                }
            case .failure(let error):
                self.excuse(reference, dropped: discarding)
                self.report(process, attempt, .expireFailed(error))
            }
        }
    }

    private func dispose(
        _ process: SimulatedProcess, _ attempt: Attempt, _ reference: SessionReference,
        _ refreshed: RefreshedTokens
    ) {
        begin(process, attempt)
        keepOrRevoke(process, reference, refreshed) {
            self.report(process, attempt, .disposed)
        }
    }

    private func keepOrRevoke(
        _ process: SimulatedProcess, _ reference: SessionReference, _ refreshed: RefreshedTokens,
        then: @escaping () -> Void
    ) {
        transaction(by: process) { () throws(StoreError) in
            try self.storeCommit(reference, refreshed)
        } then: { result in
            switch result {
            case .success: then()
            case .failure:
                self.after(Instant(self.machine.policy.commitRetryInterval), by: process) {
                    self.keepOrRevoke(process, reference, refreshed, then: then)
                }
            }
        }
    }

    // MARK: Callers

    private func wake(
        _ process: SimulatedProcess, _ id: Waiter.ID, _ result: Result<IssuedToken, AuthError>
    ) {
        let key = Ledger.Key(process: process.index, number: id.number)
        guard let asked = ledger.callers[key] else {
            fail(5, "p\(process.index) woke waiter \(id.number) twice, or one who never asked")
            return
        }
        switch result {
        case .success(let token):
            counts.count("token")
            checkServed(process, token, id)
            if let ended = asked.signedOutUpTo, token.generation <= ended {
                fail(6, "p\(process.index) served generation \(token.generation) after sign-out")
            }
        case .failure(let error): counts.count(error.kind)
        }
        ledger.callers[key] = nil
        if let final = finals.removeValue(forKey: key) { final(result) }
        var pause = random.between(.ms(10), 2 * weather.pause)
        if case .failure(let error) = result {
            if case .loginRequired = error {
                pause *= 3
            } else if weather.hasHotCallers {
                pause = .ms(20)
            }
        }
        nextTurn(process, asked.caller, after: pause)
    }

    func nextTurn(_ process: SimulatedProcess, _ caller: Int, after pause: Instant) {
        guard !isCalm else { return }
        after(pause, by: process) {
            if !self.isCalm { self.ask(process, caller) }
        }
    }

    /// Opens the store first where memory has no token, as the service does.
    func ask(_ process: SimulatedProcess, _ caller: Int) {
        let needsReading: Bool
        switch process.state {
        case .signedIn(let session): needsReading = session.access == nil
        case .signedOut, .expired: needsReading = true
        case .signingIn, .refreshing, .signingOut: needsReading = false
        }
        // Sometimes the reading is left out: the machine must cope with that too.
        guard needsReading, random.chance(0.8) else {
            request(process, caller)
            return
        }
        let epoch = process.epoch
        let isSlow = random.chance(weather.slowKeyring)
        let opening = isSlow ? random.between(.ms(20), .s(2)) : 0
        if isSlow, random.chance(weather.signOutInRefresh * 20) {
            after(.ms(8), by: process) { self.requestSignOut(process) }
        }
        transaction(by: process) { () throws(StoreError) in
            try self.store.read()
        } then: { result in
            switch result {
            case .success(let stored):
                self.after(opening, by: process) {
                    if process.epoch == epoch || self.options.mutant == .staleObservation {
                        self.apply(process, .sessionObserved(stored))
                    }
                    self.request(process, caller)
                }
            case .failure(let error):
                self.counts.count(error.kind)
                self.nextTurn(process, caller, after: self.random.between(.ms(20), .s(2)))
            }
        }
    }

    private func request(_ process: SimulatedProcess, _ caller: Int) {
        let id = Waiter.ID(process.nextNumber())
        ledger.callers[Ledger.Key(process: process.index, number: id.number)] = Ledger.Asked(
            caller: caller, askedAt: now, signedOutUpTo: process.signedOutUpTo)
        if random.chance(weather.cancel) {
            after(random.between(0, .s(3)), by: process) {
                self.apply(process, .waiterCancelled(id))
            }
        }
        let waiter = Waiter(id: id, need: need(of: process))
        apply(process, .tokenRequested(waiter, Attempt(process.nextNumber()), moment()))
    }

    /// What a person would do last: ask for a new token, the store read first.
    func requestFinal(
        _ process: SimulatedProcess, newerThan generation: Generation,
        _ then: @escaping (Result<IssuedToken, AuthError>) -> Void
    ) {
        let id = Waiter.ID(process.nextNumber())
        let key = Ledger.Key(process: process.index, number: id.number)
        ledger.callers[key] = Ledger.Asked(
            caller: 0, askedAt: now, signedOutUpTo: process.signedOutUpTo)
        finals[key] = then
        if let stored = try? store.read() { apply(process, .sessionObserved(stored)) }
        let waiter = Waiter(id: id, need: TokenNeed(newerThan: generation))
        apply(process, .tokenRequested(waiter, Attempt(process.nextNumber()), moment()))
    }

    private func need(of process: SimulatedProcess) -> TokenNeed {
        let generation: Generation? =
            switch process.state {
            case .signedIn(let session): session.record.generation
            case .refreshing(let refreshing): refreshing.session.record.generation
            case .signedOut, .signingIn, .expired, .signingOut: nil
            }
        switch random.below(20) {
        case 0: return TokenNeed(newerThan: generation)
        case 1: return TokenNeed(remainingMin: .seconds(30), isStrict: true)
        case 2: return TokenNeed()
        default:
            let lead = machine.policy.lead(
                lifetime: .microseconds(weather.lifetime), jitter: Double(random.below(256)) / 255)
            return TokenNeed(remainingMin: lead)
        }
    }
}
