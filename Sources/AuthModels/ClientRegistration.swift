/// How a client proves itself at the token endpoint (RFC 6749 §2.3).
public enum ClientAuthentication: String, Hashable, Sendable, CaseIterable {
    /// A public client: `client_id` in the form, no Authorization header.
    case none
    /// `client_secret_basic`, id and secret form-encoded first, as RFC 6749 §2.3.1 says.
    case basic
    /// Basic with id and secret as they are, for providers that do not decode them.
    case basicRaw = "basic-raw"
    /// `client_secret_post`: id and secret in the form.
    case post
}

/// What one application is at one provider, without its secret.
public struct ClientRegistration: Hashable, Sendable {
    public var issuer: Issuer
    public var clientID: ClientID
    public var authentication: ClientAuthentication
    /// What is asked for at sign-in.
    public var scope: Scope
    public var redirectURI: RedirectURI
    /// Base of the protected API; the access token goes to no other origin.
    public var apiBase: WebURL
    /// Sent as `prompt` (OpenID Connect Core §3.1.2.1); some providers give a refresh token only
    /// with `consent`.
    public var prompt: String?
    /// Whether tokens are bound to a key of this machine (RFC 9449). Asked for is insisted on: a
    /// token that is not bound is not taken.
    public var usesDPoP: Bool

    public init(
        issuer: Issuer, clientID: ClientID, authentication: ClientAuthentication, scope: Scope,
        redirectURI: RedirectURI, apiBase: WebURL, prompt: String? = nil, usesDPoP: Bool = false
    ) {
        self.issuer = issuer
        self.clientID = clientID
        self.authentication = authentication
        self.scope = scope
        self.redirectURI = redirectURI
        self.apiBase = apiBase
        self.prompt = prompt
        self.usesDPoP = usesDPoP
    }

    /// The only type of access token that is taken.
    public var tokenType: AccessTokenType { usesDPoP ? .dpop : .bearer }
}

/// The provider's endpoints as discovery gave them at sign-in. Codes and refresh tokens go nowhere
/// else for the life of the session, whatever a later discovery says.
public struct PinnedEndpoints: Hashable, Sendable {
    public var authorization: WebURL
    public var token: WebURL
    public var jwks: WebURL?
    public var userInfo: WebURL?
    public var revocation: WebURL?
    public var endSession: WebURL?
    /// Signature algorithms that an ID token may have, in the provider's order; at most 32.
    public var idTokenAlgorithms: [String]

    public init(
        authorization: WebURL, token: WebURL, jwks: WebURL? = nil, userInfo: WebURL? = nil,
        revocation: WebURL? = nil, endSession: WebURL? = nil, idTokenAlgorithms: [String] = []
    ) {
        self.authorization = authorization
        self.token = token
        self.jwks = jwks
        self.userInfo = userInfo
        self.revocation = revocation
        self.endSession = endSession
        self.idTokenAlgorithms = idTokenAlgorithms
    }
}
