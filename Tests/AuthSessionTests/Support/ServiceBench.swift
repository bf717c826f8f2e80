import AuthModels
import AuthSession
import FoundationEssentials
import Logging
import Telemetry
import Testing

/// One account's service over fakes. Further services on one bench stand for further processes.
struct ServiceBench {
    let store = MemorySessionStore()
    let locks = MemoryRefreshLocks()
    let provider = RotatingProvider()
    let clock: ServiceClock
    let service: AuthService

    init(
        clock: ServiceClock = ServiceClock(), observability: Observability = .off
    ) throws {
        self.clock = clock
        service = try Self.service(store, locks, provider, clock, observability)
    }

    private static func service(
        _ store: MemorySessionStore, _ locks: MemoryRefreshLocks, _ transport: any HTTPTransport,
        _ clock: ServiceClock, _ observability: Observability, logger: Logger? = nil
    ) throws -> AuthService {
        try AuthService(
            account: .default,
            ports: AuthPorts(
                store: store, locks: locks, transport: transport, clock: clock,
                random: CountingRandom()),
            logger: logger ?? Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            observability: observability)
    }

    /// Another process of the same person.
    func sibling(
        observability: Observability = .off, transport: (any HTTPTransport)? = nil,
        logger: Logger? = nil
    ) throws -> AuthService {
        try Self.service(
            store, locks, transport ?? provider, clock, observability, logger: logger)
    }

    static func registration(
        scope: String = "user_api.full_access offline_access", usesDPoP: Bool = false
    ) throws -> ClientRegistration {
        ClientRegistration(
            issuer: try Issuer("https://id.example"),
            clientID: try #require(ClientID("client")), authentication: .none,
            scope: try #require(Scope(scope)),
            redirectURI: try RedirectURI("http://localhost:3000/callback"),
            apiBase: try WebURL("https://api.example"), usesDPoP: usesDPoP)
    }

    /// Signs in past the browser: the session of `at-1` and `rt-1`, obtained now.
    @discardableResult
    func signedIn(
        lifetime: Duration = .seconds(3600), refresh: String? = "rt-1", identity: Identity? = nil,
        idToken: String? = nil, dpopKey: DPoPKey? = nil
    ) async throws -> OpenedSession {
        try await store.signIn(
            NewSession(
                account: .default, id: SessionID(random: [1, 2, 3]),
                registration: try Self.registration(usesDPoP: dpopKey != nil), clientSecret: nil,
                dpopKey: dpopKey,
                endpoints: PinnedEndpoints(
                    authorization: try WebURL("https://id.example/authorize"),
                    token: try WebURL("https://id.example/token"),
                    jwks: try WebURL("https://id.example/jwks"),
                    revocation: try WebURL("https://id.example/revoke"),
                    idTokenAlgorithms: ["ES256"]),
                identity: identity, grantedScope: try Self.registration().scope,
                expiry: TokenExpiry(obtained: clock.now(), lifetime: lifetime),
                tokens: TokenSet(
                    access: try #require(AccessToken("at-1")),
                    refresh: refresh.flatMap { RefreshToken($0) },
                    id: idToken.flatMap { IDToken($0) })))
    }

    /// The same, with an access token that has run out.
    func expired() async throws {
        try await signedIn()
        clock.advance(by: .seconds(3601))
    }

    /// The service's state now.
    func state() async -> AuthState? {
        var states = service.states.makeAsyncIterator()
        return await states.next()
    }

    /// What the store holds now.
    func record() async throws -> SessionRecord {
        try #require(try await store.record(of: .default))
    }

    func refreshToken() async -> String? {
        await store.tokens()?.refresh?.reveal()
    }
}
