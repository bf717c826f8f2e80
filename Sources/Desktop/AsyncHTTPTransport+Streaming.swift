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
        let work = TransferWork()
        defer { work.end() }
        if let upload { request.body = Self.body(upload, on: client, by: work) }
        let relay = AnswerRelay(
            bytesMax: exchange.responseBytesMax, work: work, receive: receive)
        // The library waits for a chunk that is being taken, whatever ends the transfer.
        let deadline = client.eventLoopGroup.any().scheduleTask(
            in: .nanoseconds(exchange.deadline.nanoseconds)
        ) { work.end(isOverdue: true) }
        defer { deadline.cancel() }
        let whole = request
        let result: Result<HTTPResponse, TransportError> = await withTaskCancellationHandler {
            do throws(TransportError) {
                return .success(
                    try await answer(
                        to: whole, through: client, within: exchange.deadline, witness: relay))
            } catch {
                if let head = relay.earlyAnswer { return .success(head) }
                // Which of the two deadlines came first is chance.
                let isOverdue = error == .cancelled && work.isOverdue
                return .failure(
                    isOverdue ? .timedOut(mayHaveArrived: relay.mayHaveArrived) : error)
            }
        } onCancel: {
            work.end()
        }
        return try result.get()
    }

    /// A body whose next chunk is asked for when the connection has taken the one before.
    private static func body(
        _ upload: HTTPUpload, on client: HTTPClient, by work: TransferWork
    ) -> HTTPClient.Body {
        let eventLoop = client.eventLoopGroup.any()
        return .stream(contentLength: upload.length) { writer in
            work.uploadBegins()
            let last = work.run(.upload, on: eventLoop) { () async throws -> ByteBuffer? in
                var left = upload.length ?? .max
                while let chunk = try await next(of: upload) {
                    // An empty chunk would be the last one (RFC 9112 §7.1).
                    guard !chunk.isEmpty else { continue }
                    let part = ByteBuffer(bytes: chunk)
                    left -= Int64(chunk.count)
                    if left == 0 { return part }
                    _ = writer.write(.byteBuffer(part))
                    try await work.waitForSentPart()
                }
                // A source that ends because it was cancelled has not given a whole body.
                guard !Task.isCancelled else { throw TransportError.cancelled }
                return nil
            }
            // The peer knows by the length which part is the last, and may answer and close at
            // once. So the loop itself ends the body with it, before it can see that answer.
            return last.flatMap { part in
                if let refused = work.uploadEnds(on: eventLoop) { return refused }
                guard let part else { return eventLoop.makeSucceededVoidFuture() }
                return writer.write(.byteBuffer(part))
            }
        }
    }

    private static func next(of upload: HTTPUpload) async throws(TransportError) -> [UInt8]? {
        do { return try await upload.next() } catch { throw .cancelled }
    }
}
