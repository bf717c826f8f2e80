public import AuthModels

/// What can happen to the machine. Results carry the attempt they belong to.
public enum AuthEvent: Hashable, Sendable {
    case signInRequested(Attempt)
    case redirectReceived(Attempt)
    /// The tokens are durable.
    case signInStored(Attempt, OpenedSession)
    case signInFailed(Attempt, AuthError)
    /// Who asked for the sign-in no longer wants it.
    case signInCancelled(Attempt)

    /// Someone wants a token; the attempt is used if it starts a refresh.
    case tokenRequested(Waiter, Attempt, Moment)
    case waiterCancelled(Waiter.ID)
    case refresh(Attempt, RefreshEvent, Moment)

    case signOutRequested(Attempt)
    case signOutStored(Attempt)
    case signOutFailed(Attempt, AuthError)

    /// What the store says, read outside any attempt. Not to be reported when the state has changed
    /// since the reading began: it could bring back what was signed out meanwhile.
    case sessionObserved(StoredSession)
}

/// The results of a refresh attempt's effects.
public enum RefreshEvent: Hashable, Sendable {
    case locked
    case lockFailed(RefreshLockError)
    case read(StoredSession)
    case readFailed(StoreError)
    case waited
    /// False: the session is no longer the one marked.
    case marked(Bool)
    case markFailed(StoreError)
    /// The answer to a request with the refresh token of the referenced generation.
    case answered(SessionReference, RefreshAnswer)
    /// The mark is cleared or postponed; nil when it was, else why it was not.
    case closed(StoreError?)
    case committed(CommitOutcome)
    case commitFailed(SessionReference, RefreshedTokens, StoreError)
    /// False: the session is no longer the one that was to end.
    case expired(Bool)
    case expireFailed(StoreError)
    /// Tokens that nobody may use are queued for revocation.
    case disposed
}

/// What the store holds for the account.
public enum StoredSession: Hashable, Sendable {
    /// No session, or a tombstone.
    case none
    /// Active, read without the key.
    case sealed(SessionRecord)
    /// Active, secrets opened.
    case opened(OpenedSession)
    case expired(SessionRecord, ExpiryReason)
}

/// The provider's answer to a refresh, judged.
public enum RefreshAnswer: Hashable, Sendable {
    case tokens(RefreshedTokens)
    /// The refreshed ID token names someone else or is forged; the tokens are not to be used.
    case identityChanged(RefreshedTokens)
    /// A 4xx `invalid_grant` (RFC 6749 §5.2).
    case invalidGrant
    /// Another 4xx; its error code, "" where there was none.
    case rejected(code: String)
    /// 429.
    case tooManyRequests(retryAfter: Duration?)
    /// 5xx.
    case serverError(status: Int, retryAfter: Duration?)
    /// It may have been carried out; says what happened to the answer.
    case lost(String)
    /// Provably not sent; the error to report.
    case notSent(AuthError)
}
