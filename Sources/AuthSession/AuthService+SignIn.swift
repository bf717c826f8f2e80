internal import AuthModels
internal import Logging
internal import OpenIDConnect

/// One sign-in as the actor holds it between its two effects.
struct SignInRun {
    let request: SignInRequest
    let caller: CheckedContinuation<Result<SessionRecord, AuthError>, Never>
    var task: Task<Void, Never>?
    var redirect: SignInFlow.Redirect?
}

extension AuthService {
    func beginSignIn(_ attempt: Attempt) {
        guard let request = signIns[attempt]?.request else { return }
        let flow = SignInFlow(ports: ports, provider: provider, request: request)
        signIns[attempt]?.task = Task {
            do throws(AuthError) {
                let redirect = try await flow.awaitRedirect()
                guard signIns[attempt] != nil else { return await redirect.listener.close() }
                signIns[attempt]?.redirect = redirect
                apply(.redirectReceived(attempt))
            } catch {
                apply(.signInFailed(attempt, error))
            }
        }
    }

    func exchangeCode(_ attempt: Attempt) {
        guard let run = signIns[attempt], let redirect = run.redirect else { return }
        let flow = SignInFlow(ports: ports, provider: provider, request: run.request)
        signIns[attempt]?.task = Task {
            do throws(AuthError) {
                let session = try await flow.exchange(redirect, account: account)
                apply(.signInStored(attempt, session))
            } catch {
                apply(.signInFailed(attempt, error))
            }
        }
    }

    /// The task closes what it holds when it is cancelled.
    func abandonSignIn(_ attempt: Attempt) {
        signIns[attempt]?.task?.cancel()
    }

    func endSignIn(_ attempt: Attempt, _ result: Result<SessionRecord, AuthError>) {
        signIns.removeValue(forKey: attempt)?.caller.resume(returning: result)
    }
}
