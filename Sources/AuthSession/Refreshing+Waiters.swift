internal import AuthModels

// Who is woken with what.
extension Refreshing {
    func at(_ stage: Stage) -> Refreshing {
        var next = self
        next.stage = stage
        return next
    }

    func knowing(_ session: SignedIn) -> Refreshing {
        var next = self
        next.session = session
        return next
    }

    func canServe(_ waiter: Waiter, _ now: Moment) -> Bool {
        session.access != nil && waiter.need.isTolerable(session.record, at: now)
    }

    /// Wakes those whose need is met as asked.
    func servingMet(_ now: Moment) -> (Refreshing, [AuthEffect]) {
        serving { $0.need.isMet(by: session.record, at: now) }
    }

    /// Wakes those who can go on with a token that is still valid (rule 7).
    func servingTolerable(_ now: Moment) -> (Refreshing, [AuthEffect]) {
        serving { $0.need.isTolerable(session.record, at: now) }
    }

    /// Wakes everyone: with a token where one can still be served, else with the error.
    func waking(_ error: AuthError, _ now: Moment) -> (Refreshing, [AuthEffect]) {
        var (left, woken) = servingTolerable(now)
        woken += left.waiters.map { .wake($0.id, .failure(error)) }
        left.waiters = []
        return (left, woken)
    }

    private func serving(_ isServed: (Waiter) -> Bool) -> (Refreshing, [AuthEffect]) {
        guard let token = session.issued else { return (self, []) }
        var left = self
        left.waiters = waiters.filter { !isServed($0) }
        let woken = waiters.filter(isServed).map { AuthEffect.wake($0.id, .success(token)) }
        return (left, woken)
    }
}
