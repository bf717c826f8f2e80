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
