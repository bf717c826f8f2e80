import Synchronization

/// The parts of the running provider, put together once.
struct Provider: Sendable {
    let configuration: DemoServer.Configuration
    let addresses: Addresses
    let clients: ClientRegistry
    let people: PeopleRegistry
    let keys: SigningKeys
    let grants = GrantStore()
    let dpop = DPoPDesk()
    let browsers = BrowserSessions()
    let building: BuildingStore
    let knobs: Knobs
    let counters = Counters()
    let log: RequestLog?
    /// Guards the control endpoint; new at each start.
    let controlKey = Opaque.token()

    init(_ configuration: DemoServer.Configuration) async throws {
        self.configuration = configuration
        addresses = Addresses()
        clients = ClientRegistry(clients: configuration.clients)
        people = PeopleRegistry(people: configuration.people)
        keys = try await SigningKeys()
        building = BuildingStore(configuration)
        knobs = Knobs(Settings(configuration))
        log = try configuration.requestLogPath.map { try RequestLog(path: $0) }
    }
}

/// Where the server can be reached: known once it listens, the same ever after.
final class Addresses: Sendable {
    private let values = Mutex<(issuer: String, api: String)>(("", ""))

    /// The issuer identifier, without a slash at its end.
    var issuer: String { values.withLock { $0.issuer } }
    /// The base of the API, without a slash at its end.
    var api: String { values.withLock { $0.api } }

    /// The path that the API is mounted under: empty on a port of its own.
    var apiPathPrefix: Substring {
        api.dropFirst("http://".count).drop { $0 != "/" }
    }

    /// Where a request to the API was sent, without its query.
    func apiURL(ofPath path: String) -> String { api.dropLast(apiPathPrefix.count) + path }

    func set(issuer: String, api: String) {
        values.withLock { $0 = (issuer, api) }
    }
}
