internal import AuthModels

extension AuthMachine {
    func signInRequested(_ state: AuthState, _ attempt: Attempt) -> Step {
        switch state {
        case .signedOut:
            startSignIn(attempt, before: .signedOut)
        case .signedIn(let session):
            startSignIn(attempt, before: .signedIn(session))
        case .expired(let record, let reason):
            startSignIn(attempt, before: .expired(record, reason))
        case .signingIn:
            (state, [.endSignIn(attempt, .failure(Self.busy("another sign-in is under way")))])
        case .refreshing:
            (state, [.endSignIn(attempt, .failure(Self.busy("a refresh is under way")))])
        case .signingOut:
            (state, [.endSignIn(attempt, .failure(Self.busy("a sign-out is under way")))])
        }
    }

    private func startSignIn(_ attempt: Attempt, before: SigningIn.Resting) -> Step {
        let signIn = SigningIn(attempt: attempt, stage: .waitingForRedirect, before: before)
        return (.signingIn(signIn), [.beginSignIn(attempt)])
    }

    func redirectReceived(_ state: AuthState, _ attempt: Attempt) -> Step {
        guard case .signingIn(var signIn) = state, signIn.attempt == attempt,
            signIn.stage == .waitingForRedirect
        else { return (state, []) }
        signIn.stage = .exchanging
        return (.signingIn(signIn), [.exchangeCode(attempt)])
    }

    func signInStored(_ state: AuthState, _ attempt: Attempt, _ session: OpenedSession) -> Step {
        switch state {
        case .signingIn(let signIn) where signIn.attempt == attempt:
            return (
                .signedIn(SignedIn(session)),
                [.endSignIn(attempt, .success(session.record)), .sendRevocations]
            )
        case .signedOut:
            // Signed out while the exchange was under way: what it stored is signed out too.
            let signOut = SigningOut(attempt: attempt, before: .signedIn(SignedIn(session)))
            return (.signingOut(signOut), [.storeSignOut(attempt)])
        case .signingOut(var signOut):
            signOut.joined.append(signOut.attempt)
            signOut.attempt = attempt
            return (.signingOut(signOut), [.storeSignOut(attempt)])
        case .signingIn, .signedIn, .refreshing, .expired:
            // Late, yet durable: the next read of the store finds it.
            return (state, [])
        }
    }

    func signInFailed(_ state: AuthState, _ attempt: Attempt, _ error: AuthError) -> Step {
        guard case .signingIn(let signIn) = state, signIn.attempt == attempt else {
            return (state, [])
        }
        return (
            signIn.before.state,
            [.abandonSignIn(attempt), .endSignIn(attempt, .failure(error))]
        )
    }

    /// Ends the wait for the redirect. An exchange under way goes on: its code is spent, and tokens
    /// that nobody took would live on at the provider.
    func signInCancelled(_ state: AuthState, _ attempt: Attempt) -> Step {
        guard case .signingIn(let signIn) = state, signIn.stage == .waitingForRedirect else {
            return (state, [])
        }
        return signInFailed(state, attempt, .cancelled)
    }

    static func busy(_ reason: String) -> AuthError { .busy(reason, retryAfter: nil) }
}
