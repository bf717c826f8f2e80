public import AuthModels

/// Numbers an attempt (a sign-in, a refresh, a sign-out) of one process. A result that carries
/// another number than the state's is late and changes nothing.
public struct Attempt: Hashable, Sendable {
    public let number: UInt64
    public init(_ number: UInt64) { self.number = number }
}

/// One caller who waits for a token.
public struct Waiter: Hashable, Sendable {
    public struct ID: Hashable, Sendable {
        public let number: UInt64
        public init(_ number: UInt64) { self.number = number }
    }

    public let id: ID
    public var need: TokenNeed

    public init(id: ID, need: TokenNeed) {
        self.id = id
        self.need = need
    }
}

/// The state of one account in one process.
public enum AuthState: Hashable, Sendable {
    case signedOut
    case signingIn(SigningIn)
    case signedIn(SignedIn)
    case refreshing(Refreshing)
    /// Signing in again is needed, and why.
    case expired(SessionRecord, ExpiryReason)
    case signingOut(SigningOut)

    /// The names that `status --json` prints; stable.
    public enum Name: String, Hashable, Sendable, CaseIterable {
        case signedOut, signingIn, signedIn, refreshing, expired, signingOut
    }

    public var name: Name {
        switch self {
        case .signedOut: .signedOut
        case .signingIn: .signingIn
        case .signedIn: .signedIn
        case .refreshing: .refreshing
        case .expired: .expired
        case .signingOut: .signingOut
        }
    }
}

/// A usable session.
public struct SignedIn: Hashable, Sendable {
    public var record: SessionRecord
    /// Nil until the store was opened with the key.
    public var access: AccessToken?
    /// What the access token is bound to; nil for a bearer token, or without one.
    public var dpopKey: DPoPKey?
    /// Set after an early refresh failed: a valid token is served without another try until then.
    public var earlyRefreshNotBefore: Moment?
    /// Set after the provider refused a refresh for good reason or gave a token too short-lived:
    /// asking again at once would be answered the same.
    public var refusal: Refusal?

    public struct Refusal: Hashable, Sendable {
        public var error: AuthError
        public var until: Moment

        public init(error: AuthError, until: Moment) {
            self.error = error
            self.until = until
        }
    }

    public init(
        record: SessionRecord, access: AccessToken? = nil, dpopKey: DPoPKey? = nil,
        earlyRefreshNotBefore: Moment? = nil, refusal: Refusal? = nil
    ) {
        self.record = record
        self.access = access
        self.dpopKey = dpopKey
        self.earlyRefreshNotBefore = earlyRefreshNotBefore
        self.refusal = refusal
    }

    public init(_ session: OpenedSession) {
        self.init(
            record: session.record, access: session.tokens.access, dpopKey: session.dpopKey)
    }

    /// The token as callers get it; nil until the store was opened.
    public var issued: IssuedToken? {
        access.map { IssuedToken(access: $0, record: record, dpopKey: dpopKey) }
    }
}

/// A sign-in under way.
public struct SigningIn: Hashable, Sendable {
    public var attempt: Attempt
    public var stage: Stage
    /// What holds until the sign-in has succeeded, and again when it fails.
    public var before: Resting

    public enum Stage: Hashable, Sendable {
        /// The person is at the provider; no lock is held.
        case waitingForRedirect
        /// The code is being exchanged, judged and stored.
        case exchanging
    }

    /// The states that a sign-in can start from.
    public enum Resting: Hashable, Sendable {
        case signedOut
        case signedIn(SignedIn)
        case expired(SessionRecord, ExpiryReason)

        public var state: AuthState {
            switch self {
            case .signedOut: .signedOut
            case .signedIn(let session): .signedIn(session)
            case .expired(let record, let reason): .expired(record, reason)
            }
        }
    }

    public init(attempt: Attempt, stage: Stage, before: Resting) {
        self.attempt = attempt
        self.stage = stage
        self.before = before
    }
}

/// A sign-out being written.
public struct SigningOut: Hashable, Sendable {
    /// The one whose effect runs.
    public var attempt: Attempt
    /// Further requests that wait for the same result, in order of arrival.
    public var joined: [Attempt]
    /// What holds again when the store cannot be written.
    public var before: SigningIn.Resting

    public init(attempt: Attempt, joined: [Attempt] = [], before: SigningIn.Resting) {
        self.attempt = attempt
        self.joined = joined
        self.before = before
    }
}

/// A refresh under way.
public struct Refreshing: Hashable, Sendable {
    public var attempt: Attempt
    /// The session as last known; its token may still be valid.
    public var session: SignedIn
    public var stage: Stage
    /// In the order of arrival; each is woken exactly once.
    public var waiters: [Waiter]

    /// Named for what is expected next. From `reading` on the account's lock is held.
    public enum Stage: Hashable, Sendable {
        /// The lock; `patient` when someone has no token to go on with.
        case locking(patient: Bool)
        /// The store, read again under the lock.
        case reading
        /// An earlier request with this token may still be on its way.
        case settling(OpenedSession, Sends)
        /// The durable in-flight mark.
        case marking(OpenedSession, Sends)
        /// The provider's answer.
        case requesting(OpenedSession, Sends)
        /// The mark's removal or postponement, after which callers are told `error`.
        case closing(AuthError)
        /// The store, read again because the provider called the token invalid.
        case confirming(SessionRecord, ExpiryReason)
        /// The end of the session, written.
        case expiring(SessionRecord, ExpiryReason)
        /// The new generation, written and synced.
        case committing(SessionReference, RefreshedTokens, failures: Int)
        /// A pause before the next try to write it.
        case pausing(SessionReference, RefreshedTokens, failures: Int)
    }

    /// What this attempt knows of requests with the current refresh token.
    public struct Sends: Hashable, Sendable {
        /// Requests this attempt has sent; one that was repeated for a DPoP nonce counts once.
        public var count: Int
        /// Whether some request's outcome is unknown: a mark stood, or an answer was lost.
        public var isUncertain: Bool
        /// Whether this attempt may send once more after a lost answer.
        public var mayReplay: Bool

        public init(count: Int, isUncertain: Bool, mayReplay: Bool) {
            self.count = count
            self.isUncertain = isUncertain
            self.mayReplay = mayReplay
        }
    }

    public init(attempt: Attempt, session: SignedIn, stage: Stage, waiters: [Waiter]) {
        self.attempt = attempt
        self.session = session
        self.stage = stage
        self.waiters = waiters
    }
}
