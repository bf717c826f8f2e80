import FoundationEssentials

/// What a person granted to a client at one sign-in.
struct Grant: Sendable {
    let clientID: String
    let subject: String
    let scopes: [String]
    let nonce: String?
    /// When the person last typed a password.
    let authTime: Date
    /// The browser's session at the provider.
    let sessionID: String
}

/// What an authorization code stands for.
struct CodeBinding: Sendable {
    let grant: Grant
    let redirectURI: String
    let challenge: String
    /// The key that alone may redeem it (`dpop_jkt`, RFC 9449 §10).
    let thumbprint: String?
}

/// The tokens that a grant has just bought, before they are signed.
struct Purchase: Sendable {
    let grant: Grant
    /// The scopes of this access token: the grant's or fewer (RFC 6749 §6).
    let scopes: [String]
    let accessTokenID: String
    let refreshToken: String?
    /// The key that the access token is bound to.
    let thumbprint: String?
    /// Whether a code was exchanged; only then is the nonce echoed.
    let isFirst: Bool
}
