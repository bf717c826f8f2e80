internal import AuthModels

extension AuthMachine {
    /// Signing out waits for nothing: not for a sign-in, not for a refresh under way.
    func signOutRequested(_ state: AuthState, _ attempt: Attempt) -> Step {
        switch state {
        case .signedOut:
            // The store may know a session that this process has not read.
            return startSignOut(attempt, before: .signedOut)
        case .signedIn(let session):
            return startSignOut(attempt, before: .signedIn(session))
        case .expired(let record, let reason):
            return startSignOut(attempt, before: .expired(record, reason))
        case .signingIn(let signIn):
            let (next, effects) = startSignOut(attempt, before: signIn.before)
            return (
                next,
                [
                    .abandonSignIn(signIn.attempt),
                    .endSignIn(signIn.attempt, .failure(.cancelled)),
                ] + effects
            )
        case .refreshing(let refreshing):
            let (next, effects) = startSignOut(attempt, before: .signedIn(refreshing.session))
            let woken = refreshing.waiters.map { waiter in
                AuthEffect.wake(waiter.id, .failure(.loginRequired(.never)))
            }
            return (next, woken + Self.abandon(refreshing) + effects)
        case .signingOut(var signOut):
            signOut.joined.append(attempt)
            return (.signingOut(signOut), [])
        }
    }

    private func startSignOut(_ attempt: Attempt, before: SigningIn.Resting) -> Step {
        (.signingOut(SigningOut(attempt: attempt, before: before)), [.storeSignOut(attempt)])
    }

    /// A refresh that is left behind. An effect that runs gives its late result back, and that frees
    /// the lock. A wait holds nothing, so what lies in the state meanwhile is handed on here: the
    /// lock, or the tokens that cannot be kept yet, with the lock until they are.
    private static func abandon(_ refreshing: Refreshing) -> [AuthEffect] {
        switch refreshing.stage {
        case .pausing(let reference, let refreshed, _):
            [.dispose(refreshing.attempt, reference, refreshed)]
        case .settling:
            [.releaseLock(refreshing.attempt)]
        case .locking, .reading, .marking, .requesting, .closing, .confirming, .expiring,
            .committing:
            []
        }
    }

    func signOutStored(_ state: AuthState, _ attempt: Attempt) -> Step {
        guard case .signingOut(let signOut) = state, signOut.attempt == attempt else {
            return (state, [])
        }
        return (.signedOut, Self.end(signOut, nil) + [.sendRevocations])
    }

    func signOutFailed(_ state: AuthState, _ attempt: Attempt, _ error: AuthError) -> Step {
        guard case .signingOut(let signOut) = state, signOut.attempt == attempt else {
            return (state, [])
        }
        return (signOut.before.state, Self.end(signOut, error))
    }

    private static func end(_ signOut: SigningOut, _ error: AuthError?) -> [AuthEffect] {
        ([signOut.attempt] + signOut.joined).map { .endSignOut($0, error) }
    }
}
