public import AuthModels

/// What the machine asks the outside to do. Each effect that has a result answers with one event of
/// the same attempt.
public enum AuthEffect: Hashable, Sendable {
    /// Discovery, listener, browser, redirect → `redirectReceived` or `signInFailed`.
    case beginSignIn(Attempt)
    /// Exchange, judge, store → `signInStored` or `signInFailed`.
    case exchangeCode(Attempt)
    /// Stop what `beginSignIn` started; its later results are stale.
    case abandonSignIn(Attempt)
    /// Tell the one who asked for the sign-in; exactly once per `signInRequested`.
    case endSignIn(Attempt, Result<SessionRecord, AuthError>)

    case storeSignOut(Attempt)
    /// Tell the one who asked for the sign-out; exactly once per `signOutRequested`.
    case endSignOut(Attempt, AuthError?)

    case acquireLock(Attempt, within: Duration)
    case releaseLock(Attempt)
    case readSession(Attempt)
    case wait(Attempt, Duration)
    case mark(Attempt, SessionReference)
    case send(Attempt, OpenedSession)
    case clearMark(Attempt, SessionReference)
    case postponeMark(Attempt, SessionReference, retryAfter: Duration)
    case commit(Attempt, SessionReference, RefreshedTokens)
    /// Ends the session; after that, tokens that came for someone else are queued for revocation
    /// (retried until done, before the result is reported). Where ending fails, they are dropped.
    case expire(Attempt, SessionReference, ExpiryReason, discarding: RefreshedTokens?)
    /// Keep tokens that came too late: a commit, whose compare-and-swap stores them where the
    /// session still stands and queues them for revocation where not; retried until done.
    case dispose(Attempt, SessionReference, RefreshedTokens)

    /// Wake a caller; exactly once per `tokenRequested`.
    case wake(Waiter.ID, Result<IssuedToken, AuthError>)
    /// Send revocations that are due, in the background.
    case sendRevocations
}
