import FoundationEssentials

/// An OpenID Connect provider and a KS Connect API on loopback, for demonstrations and tests.
///
/// It keeps everything in memory and forgets it when it stops. The pages and endpoints follow the
/// IdentityServer family; `docs/demo-provider.md` lists endpoints and knobs.
public final class DemoServer: Sendable {
    /// Why the server could not start.
    public enum StartError: Error, Sendable {
        /// The port is taken or may not be used: choose another, or 0 for an ephemeral one.
        case cannotListen(port: Int, reason: String)
        /// The request log cannot be opened: choose another path.
        case requestLog(path: String)
        /// No signing key could be made.
        case signingKey(reason: String)
    }

    /// The issuer identifier, without a slash at its end.
    public let issuer: String
    /// The base of the KS Connect API, without a slash at its end.
    public let apiURL: String
    /// The address of the control endpoint.
    public let controlURL: String
    /// The value that the control endpoint wants in the header `X-Control-Key`.
    public let controlKey: String
    /// What the server was started with.
    public let configuration: Configuration

    /// Why a command to the running server was not carried out.
    public enum ControlError: Error, Sendable {
        /// The text names the member that is unknown or not understood: mend it and ask again.
        case refused(String)
    }

    private let controls: ControlEndpoint
    private let listeners: [Task<Void, any Error>]

    private init(provider: Provider, listeners: [Task<Void, any Error>]) {
        controls = ControlEndpoint(provider: provider)
        issuer = provider.addresses.issuer
        apiURL = provider.addresses.api
        controlURL = issuer + "/__control"
        controlKey = provider.controlKey
        configuration = provider.configuration
        self.listeners = listeners
    }

    /// Starts to listen on 127.0.0.1; returns once requests can come.
    public static func start(
        _ configuration: Configuration = Configuration()
    ) async throws(StartError) -> DemoServer {
        let provider: Provider
        do {
            provider = try await Provider(configuration)
        } catch let error as StartError {
            throw error
        } catch {
            throw .signingKey(reason: "\(error)")
        }
        let identity = Switchboard(provider, role: configuration.apiOnOwnPort ? .identity : .both)
        let (port, task) = try await listen(identity, port: configuration.port)
        let host = configuration.host.rawValue
        let issuer = "http://\(host):\(port)"
        guard configuration.apiOnOwnPort else {
            provider.addresses.set(issuer: issuer, api: issuer + "/api")
            return DemoServer(provider: provider, listeners: [task])
        }
        do throws(StartError) {
            let api = Switchboard(provider, role: .api)
            let (apiPort, apiTask) = try await listen(api, port: 0)
            provider.addresses.set(issuer: issuer, api: "http://\(host):\(apiPort)")
            return DemoServer(provider: provider, listeners: [task, apiTask])
        } catch {
            task.cancel()
            throw error
        }
    }

    /// Turns knobs as `POST /__control` does; `json` is the same object.
    public func control(_ json: String) async throws(ControlError) {
        try await controls.carryOut(json.utf8)
    }

    /// What `GET /__control/counters` answers, as UTF-8 JSON.
    public func counters() async -> [UInt8] {
        await controls.report().bytes
    }

    /// Stops listening and closes every connection.
    public func stop() async {
        for listener in listeners { listener.cancel() }
        for listener in listeners { _ = await listener.result }
    }

    private static func listen(
        _ switchboard: Switchboard, port: Int
    ) async throws(StartError) -> (port: Int, task: Task<Void, any Error>) {
        let (ports, ready) = AsyncStream.makeStream(of: Int.self)
        let task = Task {
            defer { ready.finish() }
            try await Listener(switchboard: switchboard).run(port: port) { ready.yield($0) }
        }
        for await bound in ports { return (bound, task) }
        guard case .failure(let error) = await task.result else {
            throw .cannotListen(port: port, reason: "The listener ended at once.")
        }
        throw .cannotListen(port: port, reason: "\(error)")
    }
}
