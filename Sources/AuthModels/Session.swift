/// Names one sign-in of one account; a new sign-in makes a new one.
public struct SessionID: ExactString {
    public let rawValue: String

    /// - Returns: nil unless 1 to 64 bytes of `[A-Za-z0-9-]`.
    public init?(_ rawValue: String) {
        guard (1...64).contains(rawValue.utf8.count),
            rawValue.utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte) || byte == 0x2D
            })
        else { return nil }
        self.rawValue = rawValue
    }

    /// 128 random bits as lowercase hexadecimal.
    public init(random bytes: some Collection<UInt8>) {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        rawValue = String(decoding: text, as: UTF8.self)
    }
}

/// Counts the token sets of an account. It only grows, over sign-outs and new sign-ins too, so
/// "newer" never needs a clock.
public struct Generation: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64

    public init(_ rawValue: Int64) { self.rawValue = rawValue }

    public static let zero = Generation(0)
    public var next: Generation { Generation(rawValue + 1) }
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    public var description: String { String(rawValue) }
}

/// The tokens of one generation.
public struct TokenSet: Hashable, Sendable {
    public var access: AccessToken
    /// Absent without `offline_access`, or where the provider gives none: the session then ends
    /// with the access token.
    public var refresh: RefreshToken?
    /// Absent without the scope `openid`.
    public var id: IDToken?

    public init(access: AccessToken, refresh: RefreshToken? = nil, id: IDToken? = nil) {
        self.access = access
        self.refresh = refresh
        self.id = id
    }
}

/// Who signed in, as the validated ID token said; nil members where there was none.
public struct Identity: Hashable, Sendable {
    public var subject: Subject
    /// The `nonce` of the sign-in's request; a refreshed ID token may carry it and no other.
    public var nonce: String?
    /// `auth_time` in seconds since 1970, where the provider gave it.
    public var authenticatedAt: Int64?
    /// `azp` of the ID token, where there was one (OpenID Connect Core §12.2: it must not change).
    public var authorizedParty: String?

    public init(
        subject: Subject, nonce: String? = nil, authenticatedAt: Int64? = nil,
        authorizedParty: String? = nil
    ) {
        self.subject = subject
        self.nonce = nonce
        self.authenticatedAt = authenticatedAt
        self.authorizedParty = authorizedParty
    }
}

/// The durable mark that says: a refresh of this generation was sent and its answer is not known.
public struct InFlightMark: Hashable, Sendable {
    public var generation: Generation
    /// When the first request was about to be sent.
    public var started: Moment
    /// When the latest one was; ``retryAfter`` counts from here. The settling time does not: it is
    /// waited in full from the moment the mark is read.
    public var lastSent: Moment
    /// Not before this long after `lastSent`: what `Retry-After` asked for, already capped.
    public var retryAfter: Duration?

    public init(
        generation: Generation, started: Moment, lastSent: Moment, retryAfter: Duration? = nil
    ) {
        self.generation = generation
        self.started = started
        self.lastSent = lastSent
        self.retryAfter = retryAfter
    }
}

/// Why signing in again is needed.
public enum ExpiryReason: String, Hashable, Sendable, CaseIterable {
    /// The provider answered `invalid_grant` for the current generation.
    case revoked
    /// There is no refresh token and the access token has run out.
    case expired
    /// `invalid_grant` after an answer was lost: the provider had probably rotated the token.
    case outcomeUnknown
    /// The key that seals the tokens is gone for good.
    case keyLost
    /// A refreshed ID token named someone else, or was forged: a security error.
    case identityChanged
}

/// A session as far as it can be read without the key.
public struct SessionRecord: Hashable, Sendable {
    public var account: AccountName
    public var id: SessionID
    public var generation: Generation
    public var registration: ClientRegistration
    public var endpoints: PinnedEndpoints
    public var identity: Identity?
    /// What was granted; where the answer named none, what was asked for (RFC 6749 §5.1).
    public var grantedScope: Scope
    public var expiry: TokenExpiry
    public var hasRefreshToken: Bool
    public var hasIDToken: Bool
    public var phase: Phase
    public var mark: InFlightMark?

    public enum Phase: Hashable, Sendable {
        case active
        case expired(ExpiryReason)
        /// The tombstone that a sign-out leaves; it keeps the generation.
        case signedOut
    }

    public init(
        account: AccountName, id: SessionID, generation: Generation,
        registration: ClientRegistration, endpoints: PinnedEndpoints, identity: Identity?,
        grantedScope: Scope, expiry: TokenExpiry, hasRefreshToken: Bool, hasIDToken: Bool,
        phase: Phase = .active, mark: InFlightMark? = nil
    ) {
        self.account = account
        self.id = id
        self.generation = generation
        self.registration = registration
        self.endpoints = endpoints
        self.identity = identity
        self.grantedScope = grantedScope
        self.expiry = expiry
        self.hasRefreshToken = hasRefreshToken
        self.hasIDToken = hasIDToken
        self.phase = phase
        self.mark = mark
    }

    public var reference: SessionReference {
        SessionReference(account: account, id: id, generation: generation)
    }
}

/// What every compare-and-swap on a session is made with.
public struct SessionReference: Hashable, Sendable {
    public var account: AccountName
    public var id: SessionID
    public var generation: Generation

    public init(account: AccountName, id: SessionID, generation: Generation) {
        self.account = account
        self.id = id
        self.generation = generation
    }
}

/// A session with its secrets opened.
public struct OpenedSession: Hashable, Sendable {
    public var record: SessionRecord
    public var tokens: TokenSet
    /// Nil for a public client.
    public var clientSecret: ClientSecret?
    /// There exactly where the registration says ``ClientRegistration/usesDPoP``.
    public var dpopKey: DPoPKey?

    public init(
        record: SessionRecord, tokens: TokenSet, clientSecret: ClientSecret?,
        dpopKey: DPoPKey? = nil
    ) {
        self.record = record
        self.tokens = tokens
        self.clientSecret = clientSecret
        self.dpopKey = dpopKey
    }
}

/// What a completed sign-in hands to the store.
public struct NewSession: Hashable, Sendable {
    public var account: AccountName
    public var id: SessionID
    public var registration: ClientRegistration
    public var clientSecret: ClientSecret?
    /// There exactly where the registration says ``ClientRegistration/usesDPoP``.
    public var dpopKey: DPoPKey?
    public var endpoints: PinnedEndpoints
    public var identity: Identity?
    public var grantedScope: Scope
    public var expiry: TokenExpiry
    public var tokens: TokenSet

    public init(
        account: AccountName, id: SessionID, registration: ClientRegistration,
        clientSecret: ClientSecret?, dpopKey: DPoPKey? = nil, endpoints: PinnedEndpoints,
        identity: Identity?, grantedScope: Scope, expiry: TokenExpiry, tokens: TokenSet
    ) {
        self.account = account
        self.id = id
        self.registration = registration
        self.clientSecret = clientSecret
        self.dpopKey = dpopKey
        self.endpoints = endpoints
        self.identity = identity
        self.grantedScope = grantedScope
        self.expiry = expiry
        self.tokens = tokens
    }
}

/// What a refresh got, ready to be stored as the next generation.
public struct RefreshedTokens: Hashable, Sendable {
    /// `refresh` and `id` are already resolved: the old value where the answer had none.
    public var tokens: TokenSet
    public var identity: Identity?
    public var grantedScope: Scope
    public var expiry: TokenExpiry

    public init(tokens: TokenSet, identity: Identity?, grantedScope: Scope, expiry: TokenExpiry) {
        self.tokens = tokens
        self.identity = identity
        self.grantedScope = grantedScope
        self.expiry = expiry
    }
}
