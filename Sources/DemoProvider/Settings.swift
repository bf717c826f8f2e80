/// The knobs that can be turned while the server runs.
struct Settings: Sendable {
    var accessTokenLifetimeSeconds: Int
    var identityTokenLifetimeSeconds: Int
    var authorizationCodeLifetimeSeconds: Int
    var refreshTokenLifetimeSeconds: Int
    var rotation: DemoServer.Configuration.Rotation
    var graceSeconds: Int
    var sitesAsBareArray: Bool
    /// Waited before a token request is looked at.
    var tokenLatencyBeforeMilliseconds = 0
    /// Waited after a token request has taken effect, before its answer.
    var tokenLatencyAfterMilliseconds = 0
    /// Waited before a call of the API is looked at.
    var apiLatencyMilliseconds = 0
    /// Proofs at the token endpoint, or at API and userinfo, must hold a nonce (RFC 9449 §8, §9).
    var dpopNonceAtToken = false
    var dpopNonceAtAPI = false
    /// Each nonce is good once; each answer brings the next.
    var dpopNonceRotates = false
    /// No nonce is ever good enough.
    var dpopAlwaysChallenges = false
    /// Answers 404 to everything, as the identity host once did for two hours.
    var outage = false

    init(_ configuration: DemoServer.Configuration) {
        accessTokenLifetimeSeconds = configuration.accessTokenLifetimeSeconds
        identityTokenLifetimeSeconds = configuration.identityTokenLifetimeSeconds
        authorizationCodeLifetimeSeconds = configuration.authorizationCodeLifetimeSeconds
        refreshTokenLifetimeSeconds = configuration.refreshTokenLifetimeSeconds
        rotation = configuration.rotation
        graceSeconds = configuration.graceSeconds
        sitesAsBareArray = configuration.sitesAsBareArray
    }
}
