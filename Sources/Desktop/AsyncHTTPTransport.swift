internal import AsyncHTTPClient
public import AuthModels
internal import FoundationEssentials
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPCompression
internal import NIOPosix
internal import Synchronization

/// HTTP/1.1 over AsyncHTTPClient, made for requests that carry secrets.
///
/// - Redirects are never followed, cookies never kept, and a request is never sent twice: a
///   connection that the peer closed before it answered is ``TransportError/answerLost(_:)``.
/// - One deadline spans everything from name lookup to the last byte of the body; the cap on the
///   answer counts bytes after inflation.
/// - TLS 1.2 or newer, always verified: see ``TLSTrust``. `http` goes to loopback hosts only.
/// - Nothing is built before the first request: no thread, no connection pool, no trust store.
public final class AsyncHTTPTransport: HTTPTransport {
    /// The largest answer after inflation, whatever an exchange allows: the library inflates what
    /// one read brought before anyone may count it.
    public static let inflatedBytesMax = 8 << 20

    private enum State {
        case idle
        case running(HTTPRuntime)
        case closed
    }

    private let trust: TLSTrust
    private let proxy: ProxySettings
    private let state = Mutex(State.idle)

    public init(trust: TLSTrust, proxy: ProxySettings = .none) {
        self.trust = trust
        self.proxy = proxy
    }

    /// A transport as the environment describes it: `SSL_CERT_FILE`, `HTTPS_PROXY`, `NO_PROXY`.
    public convenience init(environment: [String: String]) {
        self.init(
            trust: TLSTrust(environment: environment),
            proxy: ProxySettings(environment: environment))
    }

    deinit {
        // AsyncHTTPClient must not go without being shut down, not even in a front end that forgot.
        let last = state.withLock { $0 }
        guard case .running(let runtime) = last else { return }
        Task.detached { await runtime.shutDown() }
    }

    public func send(_ exchange: HTTPExchange) async throws(TransportError) -> HTTPAnswer {
        guard !Task.isCancelled else { throw .cancelled }
        let (client, request) = try prepared(exchange)
        let collector = AnswerCollector(
            bytesMax: min(exchange.responseBytesMax, Self.inflatedBytesMax),
            hasBody: exchange.request.method != .head)
        return try await answer(
            to: request, through: client, within: exchange.deadline, witness: collector)
    }

    /// Executes a request, and judges its failure by what the witness saw leave. The one place
    /// where "not sent" is decided, for whole and for streamed answers.
    func answer<Witness: SendingWitness>(
        to request: HTTPClient.Request, through client: HTTPClient, within deadline: Duration,
        witness: Witness
    ) async throws(TransportError) -> Witness.Response where Witness.Response: Sendable {
        let task = client.execute(
            request: request, delegate: witness,
            deadline: .now() + .nanoseconds(deadline.nanoseconds))
        do {
            return try await withTaskCancellationHandler {
                try await task.futureResult.get()
            } onCancel: {
                task.fail(reason: TransportError.cancelled)
            }
        } catch {
            throw TransportFault(error, mayHaveArrived: witness.mayHaveArrived).asTransportError
        }
    }

    /// Closes every connection and ends the thread; requests under way fail. Safe to call twice.
    public func shutdown() async {
        let last = state.withLock { state in
            defer { state = .closed }
            return state
        }
        if case .running(let runtime) = last { await runtime.shutDown() }
    }

    /// Whether anything has been built yet.
    var isIdle: Bool {
        state.withLock { if case .idle = $0 { true } else { false } }
    }

    /// The pool that the request goes through, and the request as the library wants it.
    func prepared(
        _ exchange: HTTPExchange
    ) throws(TransportError) -> (HTTPClient, HTTPClient.Request) {
        let url = try Self.checkedURL(of: exchange)
        let request = try Self.clientRequest(exchange, url)
        return (try client(for: url), request)
    }

    private func client(for url: WebURL) throws(TransportError) -> HTTPClient {
        let runtime = state.withLock { state -> HTTPRuntime? in
            switch state {
            case .idle:
                let runtime = HTTPRuntime(trust: trust, proxy: proxy)
                state = .running(runtime)
                return runtime
            case .running(let runtime): return runtime
            case .closed: return nil
            }
        }
        guard let runtime else { throw .notSent("the transport has been shut down") }
        switch proxy.route(to: url) {
        case .direct: return runtime.direct
        case .proxy:
            guard let proxied = runtime.proxied else { return runtime.direct }
            return proxied
        case .misconfigured(let why): throw .notSent(why)
        }
    }

    private static func checkedURL(of exchange: HTTPExchange) throws(TransportError) -> WebURL {
        let request = exchange.request
        do {
            return try WebURL(
                "\(request.scheme ?? "")://\(request.authority ?? "")\(request.path ?? "")")
        } catch {
            throw .notSent("the request's URL is not an https URL, nor http on loopback")
        }
    }

    private static func clientRequest(
        _ exchange: HTTPExchange, _ url: WebURL
    ) throws(TransportError) -> HTTPClient.Request {
        var headers = HTTPHeaders()
        for field in exchange.request.headerFields {
            headers.add(name: field.name.rawName, value: field.value)
        }
        let body = exchange.body.isEmpty ? nil : HTTPClient.Body.bytes(exchange.body)
        do {
            let request = try HTTPClient.Request(
                url: url.rawValue, method: HTTPMethod(rawValue: exchange.request.method.rawValue),
                headers: headers, body: body)
            // Foundation's URL repairs what it dislikes; what would be sent must be what was meant.
            guard request.url.absoluteString.isExactly(url.rawValue) else {
                throw TransportError.notSent("the URL cannot be sent as it is written")
            }
            return request
        } catch let error as TransportError {
            throw error
        } catch {
            throw .notSent("the request's URL cannot be used")
        }
    }
}

/// What the first request builds: one thread, and a connection pool per route.
struct HTTPRuntime: Sendable {
    let group: MultiThreadedEventLoopGroup
    let direct: HTTPClient
    let proxied: HTTPClient?

    init(trust: TLSTrust, proxy: ProxySettings) {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: trust.configuration, redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(10)),
            decompression: .enabled(limit: .size(AsyncHTTPTransport.inflatedBytesMax)))
        configuration.httpVersion = .http1Only
        // A failed connect is told at once; repeating is the caller's decision.
        configuration.connectionPool.retryConnectionEstablishment = false
        // The library would trace with what the process has bootstrapped, query strings included.
        // Spans are begun above, where it is known what may be shown.
        configuration.tracing.tracer = nil
        configuration.http1_1ConnectionDebugInitializer = TLSTrust.checkNames(of:)
        self.group = group
        direct = HTTPClient(eventLoopGroupProvider: .shared(group), configuration: configuration)
        proxied = proxy.server.map { server in
            configuration.proxy = server
            return HTTPClient(
                eventLoopGroupProvider: .shared(group), configuration: configuration)
        }
    }

    /// Waits a moment for the end. A handshake that never ends keeps its pool until the connect
    /// timeout; that is left to go on behind the caller's back.
    func shutDown() async {
        let patience = Task { try? await Task.sleep(for: .seconds(1)) }
        Task {
            try? await direct.shutdown()
            try? await proxied?.shutdown()
            try? await group.shutdownGracefully()
            patience.cancel()
        }
        await patience.value
    }
}

extension Duration {
    /// Capped to a year, so that a deadline never overflows the clock.
    var nanoseconds: Int64 {
        let seconds = min(max(components.seconds, 0), 31_536_000)
        return seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}
