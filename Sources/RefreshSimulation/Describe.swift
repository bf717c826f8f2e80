import AuthModels
import AuthSession

/// Short names for traces and diagrams; no secrets, no sessions.
enum Describe {
    static func state(_ state: AuthState) -> String {
        switch state {
        case .signedOut, .signedIn: return state.name.rawValue
        case .expired(_, let reason): return "expired(\(reason.rawValue))"
        case .signingIn(let signIn): return "signingIn.\(signIn.stage)"
        case .signingOut: return "signingOut"
        case .refreshing(let refreshing):
            return "refreshing#\(refreshing.attempt.number).\(stage(refreshing.stage))"
        }
    }

    static func stage(_ stage: Refreshing.Stage) -> String {
        switch stage {
        case .locking(let patient): patient ? "locking" : "tryingLock"
        case .reading: "reading"
        case .settling: "settling"
        case .marking: "marking"
        case .requesting: "requesting"
        case .closing: "closing"
        case .confirming: "confirming"
        case .expiring: "expiring"
        case .committing: "committing"
        case .pausing: "pausing"
        }
    }

    static func event(_ event: AuthEvent) -> String {
        switch event {
        case .signInRequested: "signInRequested"
        case .redirectReceived: "redirectReceived"
        case .signInStored: "signInStored"
        case .signInFailed: "signInFailed"
        case .signInCancelled: "signInCancelled"
        case .tokenRequested(let waiter, _, _): "tokenRequested#\(waiter.id.number)"
        case .waiterCancelled(let id): "waiterCancelled#\(id.number)"
        case .refresh(let attempt, let result, _): "#\(attempt.number) \(self.result(result))"
        case .signOutRequested: "signOutRequested"
        case .signOutStored: "signOutStored"
        case .signOutFailed: "signOutFailed"
        case .sessionObserved(let stored): "sessionObserved(\(self.stored(stored)))"
        }
    }

    static func stored(_ stored: StoredSession) -> String {
        switch stored {
        case .none: "none"
        case .sealed: "sealed"
        case .opened: "opened"
        case .expired: "expired"
        }
    }

    static func result(_ event: RefreshEvent) -> String {
        switch event {
        case .locked: "locked"
        case .lockFailed(let error): "lockFailed(\(error))"
        case .read(let stored): "read(\(self.stored(stored)))"
        case .readFailed: "readFailed"
        case .waited: "waited"
        case .marked(let isMarked): "marked(\(isMarked))"
        case .markFailed: "markFailed"
        case .answered(_, let answer): "answered(\(self.answer(answer)))"
        case .closed(let error): error == nil ? "closed" : "closed(error)"
        case .committed(.committed): "committed"
        case .committed(.superseded): "superseded"
        case .commitFailed: "commitFailed"
        case .expired(let isExpired): "expired(\(isExpired))"
        case .expireFailed: "expireFailed"
        case .disposed: "disposed"
        }
    }

    static func answer(_ answer: RefreshAnswer) -> String {
        switch answer {
        case .tokens: "tokens"
        case .identityChanged: "identityChanged"
        case .invalidGrant: "invalidGrant"
        case .rejected: "4xx"
        case .tooManyRequests: "429"
        case .serverError: "5xx"
        case .lost: "lost"
        case .notSent: "notSent"
        }
    }

    static func effect(_ effect: AuthEffect) -> String {
        switch effect {
        case .beginSignIn: "beginSignIn"
        case .exchangeCode: "exchangeCode"
        case .abandonSignIn: "abandonSignIn"
        case .endSignIn: "endSignIn"
        case .storeSignOut: "storeSignOut"
        case .endSignOut: "endSignOut"
        case .acquireLock(_, let within): "acquireLock(\(within))"
        case .releaseLock(let attempt): "releaseLock#\(attempt.number)"
        case .readSession: "readSession"
        case .wait(_, let duration): "wait(\(duration))"
        case .mark: "mark"
        case .send: "send"
        case .clearMark: "clearMark"
        case .postponeMark: "postponeMark"
        case .commit: "commit"
        case .expire(_, _, let reason, _): "expire(\(reason.rawValue))"
        case .dispose: "dispose"
        case .wake(let id, .success(let token)):
            "wake#\(id.number)(generation \(token.generation))"
        case .wake(let id, .failure(let error)): "wake#\(id.number)(\(error.kind))"
        case .sendRevocations: "sendRevocations"
        }
    }
}
