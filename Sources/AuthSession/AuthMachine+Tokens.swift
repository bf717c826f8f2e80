internal import AuthModels

// What callers get: a token at once, a place among the waiters, or an error.
extension AuthMachine {
    func tokenRequested(
        _ state: AuthState, _ waiter: Waiter, _ attempt: Attempt, _ now: Moment
    ) -> Step {
        switch state {
        case .signedOut:
            return (state, [.wake(waiter.id, .failure(.loginRequired(.never)))])
        case .expired(_, let reason):
            return (state, [.wake(waiter.id, .failure(.loginRequired(.ended(reason))))])
        case .signingOut:
            return (state, [.wake(waiter.id, .failure(.loginRequired(.never)))])
        case .signingIn(let signIn):
            return (state, [.wake(waiter.id, tokenWhileSigningIn(signIn, waiter, now))])
        case .signedIn(let session):
            if let token = usable(session, waiter.need, now) {
                return (state, [.wake(waiter.id, .success(token))])
            }
            if let refusal = session.refusal, now.elapsed(since: refusal.until) == nil {
                return (state, [.wake(waiter.id, .failure(refusal.error))])
            }
            return startRefresh(session, waiter, attempt, now)
        case .refreshing(var refreshing):
            if let token = refreshing.session.issued,
                waiter.need.isMet(by: refreshing.session.record, at: now)
            {
                return (state, [.wake(waiter.id, .success(token))])
            }
            refreshing.waiters.append(waiter)
            return (.refreshing(refreshing), [])
        }
    }

    /// The token in memory, where it meets the need or an early refresh has just failed.
    private func usable(_ session: SignedIn, _ need: TokenNeed, _ now: Moment) -> IssuedToken? {
        guard let token = session.issued else { return nil }
        let isResting =
            session.earlyRefreshNotBefore.map { now.elapsed(since: $0) == nil } ?? false
        guard
            need.isMet(by: session.record, at: now)
                || isResting && need.isTolerable(session.record, at: now)
        else { return nil }
        return token
    }

    private func tokenWhileSigningIn(
        _ signIn: SigningIn, _ waiter: Waiter, _ now: Moment
    ) -> Result<IssuedToken, AuthError> {
        switch signIn.before {
        case .signedOut: .failure(.loginRequired(.never))
        case .expired(_, let reason): .failure(.loginRequired(.ended(reason)))
        case .signedIn(let session):
            usable(session, waiter.need, now).map { .success($0) }
                ?? .failure(Self.busy("a sign-in is under way"))
        }
    }

    private func startRefresh(
        _ session: SignedIn, _ waiter: Waiter, _ attempt: Attempt, _ now: Moment
    ) -> Step {
        let patient =
            session.access == nil || !waiter.need.isTolerable(session.record, at: now)
        let refreshing = Refreshing(
            attempt: attempt, session: session, stage: .locking(patient: patient),
            waiters: [waiter])
        // Nobody is kept waiting for another process while a token is still good (rule 7).
        let within = patient ? policy.lockWait : .zero
        return (.refreshing(refreshing), [.acquireLock(attempt, within: within)])
    }

    /// One caller leaves; the refresh goes on for the others and for the store (rule 9).
    func waiterCancelled(_ state: AuthState, _ id: Waiter.ID) -> Step {
        guard case .refreshing(var refreshing) = state,
            let index = refreshing.waiters.firstIndex(where: { $0.id == id })
        else { return (state, []) }
        refreshing.waiters.remove(at: index)
        return (.refreshing(refreshing), [.wake(id, .failure(.cancelled))])
    }
}
