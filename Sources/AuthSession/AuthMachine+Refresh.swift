internal import AuthModels

// The refresh protocol of docs/refresh.md, up to the request: lock, read again, settle, mark, send.
extension AuthMachine {
    func refreshStep(
        _ state: AuthState, _ attempt: Attempt, _ event: RefreshEvent, _ now: Moment
    ) -> Step {
        guard case .refreshing(let refreshing) = state, refreshing.attempt == attempt else {
            return (state, Self.giveBack(attempt, event))
        }
        switch event {
        case .locked: return locked(refreshing)
        case .lockFailed(let error): return lockFailed(refreshing, error, now)
        case .read(let stored): return read(refreshing, stored, now)
        case .readFailed(let error): return readFailed(refreshing, error, now)
        case .waited: return waited(refreshing)
        case .marked(let isMarked): return marked(refreshing, isMarked)
        case .markFailed(let error): return markFailed(refreshing, error, now)
        case .answered(let reference, let answer):
            return answered(refreshing, reference, answer, now)
        case .closed(let error): return closed(refreshing, error, now)
        case .committed(let outcome): return committed(refreshing, outcome, now)
        case .commitFailed(_, _, let error): return commitFailed(refreshing, error, now)
        case .expired(let isExpired): return expired(refreshing, isExpired)
        case .expireFailed(let error): return expireFailed(refreshing, error, now)
        case .disposed: return (state, [.sendRevocations])
        }
    }

    /// A late result: whatever it still holds goes back to where it belongs.
    private static func giveBack(_ attempt: Attempt, _ event: RefreshEvent) -> [AuthEffect] {
        switch event {
        case .answered(let reference, .tokens(let refreshed)),
            .commitFailed(let reference, let refreshed, _):
            // The compare-and-swap decides: newest generation, or a token to be revoked (rule 8).
            [.dispose(attempt, reference, refreshed)]
        case .answered(let reference, .identityChanged(let refreshed)):
            // Never a compare-and-swap that could store them.
            [.expire(attempt, reference, .identityChanged, discarding: refreshed)]
        case .committed, .disposed:
            [.releaseLock(attempt), .sendRevocations]
        case .lockFailed, .waited:
            // What was left behind during a wait gave its lock back then, or does so with its tokens.
            []
        case .locked, .read, .readFailed, .marked, .markFailed, .answered, .closed,
            .expired, .expireFailed:
            [.releaseLock(attempt)]
        }
    }

    // MARK: Lock and read

    private func locked(_ refreshing: Refreshing) -> Step {
        guard case .locking = refreshing.stage else { return (.refreshing(refreshing), []) }
        return (
            .refreshing(refreshing.at(.reading)), [.readSession(refreshing.attempt)]
        )
    }

    private func lockFailed(
        _ refreshing: Refreshing, _ error: RefreshLockError, _ now: Moment
    ) -> Step {
        guard case .locking(let patient) = refreshing.stage else {
            return (.refreshing(refreshing), [])
        }
        switch error {
        case .busy:
            let stuck = refreshing.waiters.filter { !refreshing.canServe($0, now) }
            if !patient, !stuck.isEmpty {
                // Someone joined who has nothing to go on with: now it is worth the wait.
                let (left, woken) = refreshing.servingTolerable(now)
                return (
                    .refreshing(left.at(.locking(patient: true))),
                    woken + [.acquireLock(left.attempt, within: policy.lockWait)]
                )
            }
            return finish(refreshing, Self.busy("another process is refreshing"), now)
        case .cancelled:
            return finish(refreshing, .cancelled, now)
        case .unavailable(let fault):
            return finish(refreshing, .store(.unavailable(fault)), now)
        }
    }

    private func read(_ refreshing: Refreshing, _ stored: StoredSession, _ now: Moment) -> Step {
        switch refreshing.stage {
        case .reading:
            return judgeRead(refreshing, stored, now)
        case .confirming(let record, let reason):
            // Rule 6: only the generation that the store still holds can have ended.
            if case .opened(let session) = stored, session.record.reference == record.reference {
                return (
                    .refreshing(
                        refreshing.at(.expiring(record, reason))),
                    [.expire(refreshing.attempt, record.reference, reason, discarding: nil)]
                )
            }
            return judgeRead(refreshing, stored, now)
        case .locking, .settling, .marking, .requesting, .closing, .expiring, .committing,
            .pausing:
            return (.refreshing(refreshing), [])
        }
    }

    private func readFailed(_ refreshing: Refreshing, _ error: StoreError, _ now: Moment) -> Step {
        switch refreshing.stage {
        case .reading, .confirming:
            return finish(refreshing, .store(error), now)
        case .locking, .settling, .marking, .requesting, .closing, .expiring, .committing,
            .pausing:
            return (.refreshing(refreshing), [])
        }
    }

    private func judgeRead(
        _ refreshing: Refreshing, _ stored: StoredSession, _ now: Moment
    ) -> Step {
        switch stored {
        case .none:
            return end(refreshing, in: .signedOut, .loginRequired(.never))
        case .expired(let record, let reason):
            return end(refreshing, in: .expired(record, reason), .loginRequired(.ended(reason)))
        case .sealed(let record):
            // A store that could not open what it holds reports so; this is a read without secrets.
            let error = AuthError.store(.corrupt("the session was read without its secrets"))
            return finish(refreshing.knowing(SignedIn(record: record)), error, now)
        case .opened(let session):
            return proceed(refreshing, with: session, now)
        }
    }

    /// The store is the truth now: serve whom it serves, then refresh for the others.
    private func proceed(
        _ refreshing: Refreshing, with session: OpenedSession, _ now: Moment
    ) -> Step {
        let (left, woken) = refreshing.knowing(SignedIn(session)).servingMet(now)
        if left.waiters.isEmpty {
            // All served, or all gone before anything was sent.
            return (
                .signedIn(left.session), woken + [.releaseLock(left.attempt)]
            )
        }
        guard session.record.hasRefreshToken else {
            let step = finish(left, .loginRequired(.ended(.expired)), now)
            let isDead = session.record.expiry.remaining(at: now) == .zero
            let next = isDead ? AuthState.expired(session.record, .expired) : step.state
            return (next, woken + step.effects)
        }
        let mark = session.record.mark.flatMap {
            $0.generation == session.record.generation ? $0 : nil
        }
        let sends = Refreshing.Sends(
            count: 0, isUncertain: mark != nil, mayReplay: mark == nil)
        let wait = mark.map { settlingLeft($0, now) } ?? .zero
        if wait > policy.inlineWaitMax {
            let error = AuthError.busy(
                "the provider asked to be left alone for a while", retryAfter: wait)
            let step = finish(left, error, now)
            return (step.state, woken + step.effects)
        }
        if wait > .zero {
            return (
                .refreshing(left.at(.settling(session, sends))),
                woken + [.wait(left.attempt, wait)]
            )
        }
        let step = beginSend(left, session, sends)
        return (step.state, woken + step.effects)
    }

    /// How long to wait before a token that stands marked is sent again. However old the mark is,
    /// it allows one more try (rule 5), and however old it is, the settling time is kept in full:
    /// its sender may have connected for long, or been stopped, and been killed a moment ago.
    private func settlingLeft(_ mark: InFlightMark, _ now: Moment) -> Duration {
        guard let retryAfter = mark.retryAfter, let elapsed = now.elapsed(since: mark.lastSent)
        else { return policy.settling }
        return max(retryAfter - elapsed, policy.settling)
    }

    // MARK: Mark and send

    private func beginSend(
        _ refreshing: Refreshing, _ session: OpenedSession, _ sends: Refreshing.Sends
    ) -> Step {
        (
            .refreshing(refreshing.at(.marking(session, sends))),
            [.mark(refreshing.attempt, session.record.reference)]
        )
    }

    private func waited(_ refreshing: Refreshing) -> Step {
        switch refreshing.stage {
        case .settling(let session, let sends):
            return beginSend(refreshing, session, sends)
        case .pausing(let reference, let refreshed, let failures):
            return (
                .refreshing(
                    refreshing.at(.committing(reference, refreshed, failures: failures))),
                [.commit(refreshing.attempt, reference, refreshed)]
            )
        case .locking, .reading, .marking, .requesting, .closing, .confirming, .expiring,
            .committing:
            return (.refreshing(refreshing), [])
        }
    }

    private func marked(_ refreshing: Refreshing, _ isMarked: Bool) -> Step {
        guard case .marking(let session, var sends) = refreshing.stage else {
            return (.refreshing(refreshing), [])
        }
        guard isMarked else {
            // Signed out or in again since it was read: look again.
            return (.refreshing(refreshing.at(.reading)), [.readSession(refreshing.attempt)])
        }
        sends.count += 1
        return (
            .refreshing(refreshing.at(.requesting(session, sends))),
            [.send(refreshing.attempt, session)]
        )
    }

    /// Nothing was sent, and nothing will be: what cannot be kept is not asked for (rule 3).
    private func markFailed(_ refreshing: Refreshing, _ error: StoreError, _ now: Moment) -> Step {
        guard case .marking = refreshing.stage else { return (.refreshing(refreshing), []) }
        return finish(refreshing, .store(error), now)
    }
}
