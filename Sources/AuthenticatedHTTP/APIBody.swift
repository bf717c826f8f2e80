internal import AuthModels
internal import Synchronization

/// What a request carries, split by whether it can be sent again.
public enum APIBody: Sendable {
    case none
    /// Resent whole.
    case bytes([UInt8])
    /// Read anew, and so resent whole, each time it is sent.
    case file(path: String)
    /// Sent once; a request that would need it twice fails with `bodyNotRepeatable`.
    case stream(OneShotBody)

    /// The largest body that is held in memory, for a transport that takes whole bodies only.
    public static let bytesMax = 64 << 20

    /// Whether the same bytes can be had a second time.
    public var isRepeatable: Bool {
        switch self {
        case .none, .bytes, .file: true
        case .stream: false
        }
    }

    /// The body chunk by chunk; nil where it is in memory already.
    ///
    /// - Throws: `configInvalid` when the file cannot be read; `bodyNotRepeatable` when a stream
    ///   was taken before.
    func upload() throws(AuthError) -> HTTPUpload? {
        switch self {
        case .none, .bytes: return nil
        case .file(let path):
            let file = try FileChunks(path: path)
            return HTTPUpload(length: file.length) { try file.next() }
        case .stream(let stream):
            let next = try stream.take()
            return HTTPUpload(length: nil, next: next)
        }
    }

    /// The bytes that are in memory already.
    var inMemory: [UInt8] {
        if case .bytes(let bytes) = self { bytes } else { [] }
    }

    /// The whole body.
    ///
    /// - Throws: as ``upload()``; `configInvalid` over ``bytesMax``; `transient` when the stream
    ///   fails.
    func collect() async throws(AuthError) -> [UInt8] {
        guard let upload = try upload() else { return inMemory }
        var bytes: [UInt8] = []
        do {
            while let chunk = try await upload.next() {
                bytes += chunk
                guard bytes.count <= Self.bytesMax else {
                    throw AuthError.configInvalid("the request's body is over 64 MiB")
                }
            }
        } catch {
            throw UploadFault.meaning(of: error)
        }
        return bytes
    }
}

/// An asynchronous sequence of byte chunks that is read at most once, whoever asks.
public final class OneShotBody: Sendable {
    typealias Next = @Sendable () async throws -> [UInt8]?
    private let next: Mutex<Next?>

    /// - Parameter chunks: taken when the request is first sent, each when the one before is on its
    ///   way.
    public init<Chunks: AsyncSequence & Sendable>(_ chunks: Chunks)
    where Chunks.Element == [UInt8] {
        let reader = ChunkReader(chunks)
        next = Mutex { try await reader.next() }
    }

    func take() throws(AuthError) -> Next {
        let next = next.withLock { content in
            defer { content = nil }
            return content
        }
        guard let next else { throw .bodyNotRepeatable }
        return next
    }
}

/// Holds a sequence's iterator, which only one task may use at a time.
private actor ChunkReader<Chunks: AsyncSequence> where Chunks.Element == [UInt8] {
    private var iterator: Chunks.AsyncIterator

    init(_ chunks: sending Chunks) {
        iterator = chunks.makeAsyncIterator()
    }

    func next() async throws -> [UInt8]? {
        var iterator = iterator
        let chunk = try await iterator.next(isolation: self)
        self.iterator = iterator
        // Many sequences end when their task is cancelled: that is no whole body.
        if chunk == nil { try Task.checkCancellation() }
        return chunk
    }
}
