internal import AsyncHTTPClient
public import AuthModels
public import HTTPTypes
internal import NIOCore

extension AsyncHTTPTransport: StreamingHTTPTransport {
    public func stream(
        _ exchange: HTTPExchange, upload: HTTPUpload?,
        receive: @escaping @Sendable (HTTPResponse, [UInt8]) async throws -> Void
    ) async throws(TransportError) -> HTTPResponse {
        guard !Task.isCancelled else { throw .cancelled }
        let (client, plain) = try prepared(exchange)
        var request = plain
        if let upload { request.body = Self.body(upload, on: client) }
        let relay = AnswerRelay(bytesMax: exchange.responseBytesMax, receive: receive)
        return try await answer(
            to: request, through: client, within: exchange.deadline, witness: relay)
    }

    /// A body whose next chunk is asked for when the connection has taken the one before.
    private static func body(_ upload: HTTPUpload, on client: HTTPClient) -> HTTPClient.Body {
        let eventLoop = client.eventLoopGroup.any()
        return .stream(contentLength: upload.length) { writer in
            eventLoop.makeFutureWithTask {
                while let chunk = try await next(of: upload) {
                    try await writer.write(.byteBuffer(ByteBuffer(bytes: chunk))).get()
                }
            }
        }
    }

    private static func next(of upload: HTTPUpload) async throws(TransportError) -> [UInt8]? {
        do { return try await upload.next() } catch { throw .cancelled }
    }
}
