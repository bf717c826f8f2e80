internal import AuthModels

// The second half of the refresh protocol: judge the answer, keep what it brought, end.
extension AuthMachine {
    // MARK: Answer

    func answered(
        _ refreshing: Refreshing, _ reference: SessionReference, _ answer: RefreshAnswer,
        _ now: Moment
    ) -> Step {
        guard case .requesting(let session, let sends) = refreshing.stage else {
            return (.refreshing(refreshing), [])
        }
        switch answer {
        case .tokens(let refreshed):
            return (
                .refreshing(refreshing.at(.committing(reference, refreshed, failures: 0))),
                [.commit(refreshing.attempt, reference, refreshed)]
            )
        case .identityChanged(let refreshed):
            return (
                .refreshing(refreshing.at(.expiring(session.record, .identityChanged))),
                [
                    .expire(
                        refreshing.attempt, reference, .identityChanged, discarding: refreshed)
                ]
            )
        case .invalidGrant:
            let reason: ExpiryReason = sends.isUncertain ? .outcomeUnknown : .revoked
            return (
                .refreshing(refreshing.at(.confirming(session.record, reason))),
                [.readSession(refreshing.attempt)]
            )
        case .rejected(let code):
            // What becomes of this request says nothing of an earlier one: its mark stays.
            let error = AuthError.tokenEndpointRejected(code: code)
            return sends.isUncertain
                ? finish(refreshing, error, now, isRefusal: true)
                : close(refreshing, reference, error)
        case .tooManyRequests(let retryAfter):
            let error = AuthError.busy(
                "the provider answered 429 Too Many Requests", retryAfter: retryAfter)
            return postpone(refreshing, reference, retryAfter ?? policy.settling, error)
        case .serverError(let status, .some(let retryAfter)):
            let error = AuthError.transient(
                "the provider answered \(status)", retryAfter: retryAfter)
            return postpone(refreshing, reference, retryAfter, error)
        case .serverError(let status, .none):
            return lost(refreshing, session, sends, "the provider answered \(status)", now)
        case .lost(let what):
            return lost(refreshing, session, sends, what, now)
        case .notSent(let error):
            // As above.
            return sends.isUncertain
                ? finish(refreshing, error, now) : close(refreshing, reference, error)
        }
    }

    /// Rule 5: once more after the settling time, if this attempt may; else the mark stays.
    private func lost(
        _ refreshing: Refreshing, _ session: OpenedSession, _ sends: Refreshing.Sends,
        _ what: String, _ now: Moment
    ) -> Step {
        guard sends.mayReplay, sends.count < policy.sendsMax else {
            return finish(refreshing, .transient(what, retryAfter: nil), now)
        }
        var next = sends
        next.isUncertain = true
        return (
            .refreshing(refreshing.at(.settling(session, next))),
            [.wait(refreshing.attempt, policy.settling)]
        )
    }

    private func close(
        _ refreshing: Refreshing, _ reference: SessionReference, _ error: AuthError
    ) -> Step {
        (
            .refreshing(refreshing.at(.closing(error))),
            [.clearMark(refreshing.attempt, reference)]
        )
    }

    private func postpone(
        _ refreshing: Refreshing, _ reference: SessionReference, _ retryAfter: Duration,
        _ error: AuthError
    ) -> Step {
        (
            .refreshing(refreshing.at(.closing(error))),
            [.postponeMark(refreshing.attempt, reference, retryAfter: retryAfter)]
        )
    }

    func closed(_ refreshing: Refreshing, _ failure: StoreError?, _ now: Moment) -> Step {
        guard case .closing(let error) = refreshing.stage else {
            return (.refreshing(refreshing), [])
        }
        // A mark that could not be taken away costs the next attempt a short wait, no more.
        let isRefusal = if case .tokenEndpointRejected = error { true } else { false }
        return finish(refreshing, error, now, isRefusal: isRefusal)
    }

    // MARK: Commit

    func committed(
        _ refreshing: Refreshing, _ outcome: CommitOutcome, _ now: Moment
    ) -> Step {
        guard case .committing = refreshing.stage else { return (.refreshing(refreshing), []) }
        switch outcome {
        case .committed(let session):
            let (left, woken) = refreshing.knowing(SignedIn(session)).servingMet(now)
            // One refresh is all that can be done: who asked for more gets what there is, or why not.
            let error = AuthError.transient(
                "the provider's new access token is not valid for as long as was asked",
                retryAfter: nil)
            let isTooShort = !left.waiters.isEmpty
            let (state, effects) = finish(
                left, error, now, isEarlyFailure: isTooShort, isRefusal: isTooShort)
            return (state, woken + effects + [.sendRevocations])
        case .superseded:
            return (
                .refreshing(refreshing.at(.reading)),
                [.sendRevocations, .readSession(refreshing.attempt)]
            )
        }
    }

    /// The answer is here and cannot be kept yet. The lock stays, so that nobody sends the used
    /// token again; callers are told; saving is tried for as long as the process lives.
    func commitFailed(
        _ refreshing: Refreshing, _ error: StoreError, _ now: Moment
    ) -> Step {
        guard case .committing(let reference, let refreshed, let failures) = refreshing.stage else {
            return (.refreshing(refreshing), [])
        }
        let isTold = failures >= policy.commitBackoff.count
        let wait = isTold ? policy.commitRetryInterval : policy.commitBackoff[failures]
        let (left, woken) =
            isTold ? refreshing.waking(.store(error), now) : (refreshing, [])
        let stage = Refreshing.Stage.pausing(reference, refreshed, failures: failures + 1)
        return (.refreshing(left.at(stage)), woken + [.wait(left.attempt, wait)])
    }

    // MARK: End

    func expired(_ refreshing: Refreshing, _ isExpired: Bool) -> Step {
        guard case .expiring(let record, let reason) = refreshing.stage else {
            return (.refreshing(refreshing), [])
        }
        guard isExpired else {
            return (.refreshing(refreshing.at(.reading)), [.readSession(refreshing.attempt)])
        }
        let (state, effects) = end(
            refreshing, in: .expired(record, reason), .loginRequired(.ended(reason)))
        return (state, effects + [.sendRevocations])
    }

    func expireFailed(
        _ refreshing: Refreshing, _ error: StoreError, _ now: Moment
    ) -> Step {
        guard case .expiring = refreshing.stage else { return (.refreshing(refreshing), []) }
        return finish(refreshing, .store(error), now)
    }

    /// The session is over: every waiter is told, the lock goes.
    func end(
        _ refreshing: Refreshing, in state: AuthState, _ error: AuthError
    ) -> Step {
        let woken = refreshing.waiters.map { AuthEffect.wake($0.id, .failure(error)) }
        return (state, woken + [.releaseLock(refreshing.attempt)])
    }

    /// The attempt is over and the session stays: whoever can go on with what is there does.
    ///
    /// - Parameter isRefusal: no mark spaces the next request, so memory does.
    func finish(
        _ refreshing: Refreshing, _ error: AuthError, _ now: Moment, isEarlyFailure: Bool = true,
        isRefusal: Bool = false
    ) -> Step {
        let (left, woken) = refreshing.waking(error, now)
        var session = left.session
        if isEarlyFailure {
            session.earlyRefreshNotBefore = now.advanced(by: policy.earlyRetryInterval)
        }
        if isRefusal {
            session.refusal = SignedIn.Refusal(
                error: error, until: now.advanced(by: policy.refusalInterval))
        }
        return (.signedIn(session), woken + [.releaseLock(left.attempt)])
    }
}
