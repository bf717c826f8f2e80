public import AuthModels
public import FoundationEssentials

/// What an ID token is judged against (OpenID Connect Core §3.1.3.7, on refresh §12.2).
public struct IDTokenExpectation: Sendable {
    public var issuer: Issuer
    public var clientID: ClientID
    /// The request's; nil on refresh, where ``previous`` holds it.
    public var nonce: String?
    /// Checked against `at_hash`, where the token has one.
    public var accessToken: AccessToken?
    /// `PinnedEndpoints.idTokenAlgorithms`; empty means RS256, as OpenID Connect Core §2 has it.
    public var algorithms: [String]
    public var now: Date
    /// How far the clocks may be apart, in seconds.
    public var leewaySeconds: Double
    /// Seconds; `auth_time` must then be there and recent enough.
    public var maxAge: Int?
    /// Space-separated; `acr` must then be one of them.
    public var acrValues: String?
    /// Who signed in, for a refreshed token.
    public var previous: Identity?

    public static let leewaySecondsDefault = 60.0

    public init(
        issuer: Issuer, clientID: ClientID, nonce: String? = nil, accessToken: AccessToken?,
        algorithms: [String], now: Date, leewaySeconds: Double = Self.leewaySecondsDefault,
        maxAge: Int? = nil, acrValues: String? = nil, previous: Identity? = nil
    ) {
        self.issuer = issuer
        self.clientID = clientID
        self.nonce = nonce
        self.accessToken = accessToken
        self.algorithms = algorithms
        self.now = now
        self.leewaySeconds = leewaySeconds
        self.maxAge = maxAge
        self.acrValues = acrValues
        self.previous = previous
    }

    /// What the sign-in's own request asked for.
    public init(
        answering request: AuthorizationRequest, accessToken: AccessToken, now: Date
    ) {
        self.init(
            issuer: request.metadata.issuer, clientID: request.registration.clientID,
            nonce: request.nonce, accessToken: accessToken,
            algorithms: request.metadata.endpoints.idTokenAlgorithms, now: now,
            maxAge: request.extra.maxAge, acrValues: request.extra.acrValues)
    }
}

/// Why an ID token is not taken.
public enum IDTokenFault: Error, Hashable, Sendable {
    /// No usable key of the set fits. Fetch the set once more and judge again. If it is still
    /// unknown: at sign-in a bad signature, on refresh an ID token to drop
    /// (docs/decisions/0006-unverifiable-id-token-on-refresh.md).
    case unknownKey
    /// Not valid: at sign-in nothing is kept. On refresh only a clock is the reason then (the text
    /// says so): keep the refresh token and drop the ID token.
    case invalid(String)
    /// On refresh: another person, another provider or a forgery. Nothing of the answer is used and
    /// the session ends.
    case identityChanged(String)
}
