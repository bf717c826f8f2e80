import AuthModels

/// The parts of a session that no rule of refresh looks at; made once.
struct Fixtures: Sendable {
    let registration: ClientRegistration
    let endpoints: PinnedEndpoints
    let scope: Scope

    struct Unusable: Error {}

    init() throws {
        guard let clientID = ClientID("simulation"), let scope = Scope("api offline_access") else {
            throw Unusable()
        }
        self.scope = scope
        registration = ClientRegistration(
            issuer: try Issuer("https://id.example"), clientID: clientID, authentication: .none,
            scope: scope, redirectURI: try RedirectURI("http://127.0.0.1:0/callback"),
            apiBase: try WebURL("https://api.example"))
        endpoints = PinnedEndpoints(
            authorization: try WebURL("https://id.example/authorize"),
            token: try WebURL("https://id.example/token"))
    }
}

extension World {
    func newSession(_ granted: (refresh: String, access: String)) -> NewSession {
        let number = provider.families.count
        return NewSession(
            account: .default,
            id: SessionID(random: [UInt8(number >> 8 & 255), UInt8(number & 255)]),
            registration: fixtures.registration, clientSecret: nil, endpoints: fixtures.endpoints,
            identity: nil, grantedScope: fixtures.scope,
            expiry: TokenExpiry(obtained: moment(), lifetime: .microseconds(weather.lifetime)),
            tokens: tokenSet(refresh: granted.refresh, access: granted.access))
    }

    func tokenSet(refresh: String, access: String) -> TokenSet {
        guard let accessToken = AccessToken(access) else {
            preconditionFailure("the simulation's own tokens are well formed")
        }
        return TokenSet(access: accessToken, refresh: RefreshToken(refresh))
    }
}
