internal import AuthModels
internal import HTTPTypes
internal import Synchronization

/// How far a body has come.
public struct TransferProgress: Hashable, Sendable {
    public enum Direction: Hashable, Sendable {
        case upload
        case download
    }

    public let direction: Direction
    /// Bytes handed over so far, in this attempt: a body that is sent again begins anew at 0.
    public let bytes: Int64
    /// Bytes in all, where that is known.
    public let total: Int64?

    public init(direction: Direction, bytes: Int64, total: Int64?) {
        self.direction = direction
        self.bytes = bytes
        self.total = total
    }
}

/// Where the body of a success goes.
final class TransferSink: Sendable {
    typealias Receive = @Sendable ([UInt8]) async throws -> Void
    private let receive: Receive
    private let progress: (@Sendable (TransferProgress) -> Void)?
    private let bytes = Mutex<Int64>(0)

    init(receive: @escaping Receive, progress: (@Sendable (TransferProgress) -> Void)?) {
        self.receive = receive
        self.progress = progress
    }

    /// Whether anything has been handed over, so that the call cannot be begun anew unnoticed.
    var hasDelivered: Bool { bytes.withLock { $0 > 0 } }

    func deliver(_ chunk: [UInt8], of head: HTTPResponse) async throws {
        let count = bytes.withLock { bytes in
            bytes += Int64(chunk.count)
            return bytes
        }
        try await receive(chunk)
        progress?(
            TransferProgress(
                direction: .download, bytes: count,
                total: head.headerFields[.contentLength].flatMap { Int64($0) }))
    }
}

/// The body of an answer that is not handed on, up to a cap.
final class CappedBody: Sendable {
    private let bytesMax: Int
    private let content = Mutex<[UInt8]>([])

    init(bytesMax: Int) {
        self.bytesMax = bytesMax
    }

    var bytes: [UInt8] { content.withLock { $0 } }

    func append(_ chunk: [UInt8]) {
        content.withLock { bytes in bytes += chunk.prefix(max(bytesMax - bytes.count, 0)) }
    }
}

extension HTTPUpload {
    /// The same, telling how far it is.
    func reporting(to progress: (@Sendable (TransferProgress) -> Void)?) -> HTTPUpload {
        guard let progress else { return self }
        let next = next
        let length = length
        let sent = SentBytes()
        progress(TransferProgress(direction: .upload, bytes: 0, total: length))
        return HTTPUpload(length: length) {
            let chunk = try await next()
            if let chunk {
                progress(
                    TransferProgress(
                        direction: .upload, bytes: sent.add(chunk.count), total: length))
            }
            return chunk
        }
    }

    /// The same, its first failure kept: the transport says no more than that it was cancelled.
    func noting(_ fault: UploadFault) -> HTTPUpload {
        let next = next
        return HTTPUpload(length: length) {
            do { return try await next() } catch {
                fault.note(error)
                throw error
            }
        }
    }
}

/// Why the source of a request's body gave no further chunk.
final class UploadFault: Sendable {
    private let first = Mutex<AuthError?>(nil)
    var fault: AuthError? { first.withLock { $0 } }

    func note(_ error: any Error) {
        first.withLock { $0 = $0 ?? Self.meaning(of: error) }
    }

    static func meaning(of error: any Error) -> AuthError {
        switch error {
        case let error as AuthError: error
        case is CancellationError: .cancelled
        default: .transient("the stream of the request's body failed", retryAfter: nil)
        }
    }
}

private final class SentBytes: Sendable {
    private let count = Mutex<Int64>(0)

    func add(_ more: Int) -> Int64 {
        count.withLock { count in
            count += Int64(more)
            return count
        }
    }
}
