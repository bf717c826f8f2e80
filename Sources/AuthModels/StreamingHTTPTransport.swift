public import HTTPTypes

/// A transport that holds no body in memory: chunks go out as the peer takes them and come in as
/// the caller does.
public protocol StreamingHTTPTransport: HTTPTransport {
    /// Sends one request and hands its answer's body on, chunk by chunk, each only when the one
    /// before was taken.
    ///
    /// - Parameters:
    ///   - exchange: where `upload` is given, its own body is not sent. Its deadline and its cap on
    ///     the answer hold here too.
    ///   - receive: gets the head with each chunk; throwing ends the request as `cancelled`.
    /// - Returns: the head, once the last chunk was taken.
    func stream(
        _ exchange: HTTPExchange, upload: HTTPUpload?,
        receive: @escaping @Sendable (HTTPResponse, [UInt8]) async throws -> Void
    ) async throws(TransportError) -> HTTPResponse
}

/// A request's body, asked for chunk by chunk.
public struct HTTPUpload: Sendable {
    /// Bytes in all; nil where nobody knows, and the body goes out chunked (RFC 9112 §7.1).
    public var length: Int64?
    /// The next chunk, nil at the end. Throwing ends the request as `cancelled`.
    public var next: @Sendable () async throws -> [UInt8]?

    public init(length: Int64?, next: @escaping @Sendable () async throws -> [UInt8]?) {
        self.length = length
        self.next = next
    }
}
