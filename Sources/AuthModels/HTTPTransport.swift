public import HTTPTypes

/// One HTTP request with its bounds. Redirects are never followed by a transport.
public struct HTTPExchange: Sendable {
    public var request: HTTPRequest
    public var body: [UInt8]
    /// Total time, from name lookup to the body's last byte.
    public var deadline: Duration
    /// The answer's size after inflation.
    public var responseBytesMax: Int

    public static let responseBytesMaxDefault = 1 << 20

    public init(
        _ request: HTTPRequest, body: [UInt8] = [], deadline: Duration = .seconds(20),
        responseBytesMax: Int = Self.responseBytesMaxDefault
    ) {
        self.request = request
        self.body = body
        self.deadline = deadline
        self.responseBytesMax = responseBytesMax
    }

    /// A request for a checked URL.
    public init(
        _ method: HTTPRequest.Method, _ url: WebURL, headers: HTTPFields = [:],
        body: [UInt8] = [], deadline: Duration = .seconds(20),
        responseBytesMax: Int = Self.responseBytesMaxDefault
    ) {
        let authority = url.port.map { "\(url.host):\($0)" } ?? url.host
        let target = (url.path.isEmpty ? "/" : url.path) + (url.query.map { "?" + $0 } ?? "")
        self.init(
            HTTPRequest(
                method: method, scheme: url.scheme, authority: authority, path: target,
                headerFields: headers),
            body: body, deadline: deadline, responseBytesMax: responseBytesMax)
    }
}

/// A whole answer.
public struct HTTPAnswer: Sendable {
    public var response: HTTPResponse
    public var body: [UInt8]

    public init(_ response: HTTPResponse, body: [UInt8] = []) {
        self.response = response
        self.body = body
    }
}

/// HTTP as the core needs it; `Desktop` brings one, a front end may bring its own.
public protocol HTTPTransport: Sendable {
    func send(_ exchange: HTTPExchange) async throws(TransportError) -> HTTPAnswer
}

/// Why there is no whole answer. What matters most is whether the request may have been carried out.
public enum TransportError: Error, Hashable, Sendable {
    /// Nothing of the request has left: name lookup, connect or proxy failed. Says why.
    case notSent(String)
    /// The peer's certificate or protocol version was refused; nothing of the request has left.
    case tls(String)
    /// It may have arrived; the answer is lost.
    case answerLost(String)
    /// The deadline passed. `mayHaveArrived` is false only when no connection existed yet.
    case timedOut(mayHaveArrived: Bool)
    case responseTooLarge
    /// The answer is not HTTP as RFC 9112 defines it.
    case malformed(String)
    case cancelled
}
