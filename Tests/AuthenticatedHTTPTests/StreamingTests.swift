import AuthModels
import AuthenticatedHTTP
import FoundationEssentials
import Glibc
import HTTPTypes
import Synchronization
import Testing

@Suite("Bodies in chunks")
struct StreamingTests {
    private func client(_ transport: ChunkTransport, session: FakeSession) throws -> APIClient {
        APIClient(
            tokens: session, transport: transport, apiBase: try WebURL("https://api.example"),
            clock: ManualClock(), random: ConstantRandom())
    }

    @Test("Case 82: a file goes out in chunks, and whole again after a 401")
    func fileTwice() async throws {
        let path = "/tmp/ksconnect-upload-\(UUID())"
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try Data(bytes).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let session = FakeSession(record: try .sample())
        let transport = ChunkTransport([.init(status: 401), .init(status: 201)])
        let client = try client(transport, session: session)
        let reports = Mutex<[TransferProgress]>([])
        let answer = try await client.send(
            APIRequest(
                .put, client.url("/f"), body: .file(path: path),
                progress: { report in reports.withLock { $0.append(report) } }))
        #expect(answer.response.status.code == 201)
        #expect(transport.uploads == [bytes, bytes])
        #expect(transport.lengths == [300_000, 300_000])
        #expect(transport.largestChunk <= 64 << 10)
        #expect(session.refreshes == 1)
        // Each time it grows from nothing to the whole.
        let counts = reports.withLock { $0 }.map(\.bytes)
        let attempt: [Int64] = [0, 65536, 131_072, 196_608, 262_144, 300_000]
        #expect(counts == attempt + attempt)
        #expect(reports.withLock { $0 }.allSatisfy { $0.total == 300_000 })
    }

    @Test("A file that changes while it is sent is never passed off as the one that was announced")
    func changingFile() async throws {
        let path = "/tmp/ksconnect-upload-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: path) }
        for (left, error) in [
            (
                1000,
                AuthError.configInvalid(
                    "the file of the request's body became shorter while it was sent")
            ),
            (400_000, nil),
        ] {
            try Data(repeating: 1, count: 300_000).write(to: URL(filePath: path))
            let transport = ChunkTransport([.init(status: 201)])
            let client = try client(transport, session: FakeSession(record: try .sample()))
            let request = APIRequest(
                .post, try client.url("/f"), body: .file(path: path),
                progress: { report in
                    guard report.bytes == 65536 else { return }
                    #expect(truncate(path, left) == 0)
                })
            if let error {
                await #expect(throws: error) { try await client.send(request) }
            } else {
                _ = try await client.send(request)
                #expect(transport.uploads.map(\.count) == [300_000])
            }
        }
    }

    @Test("A stream that fails half-way is told as what it is, and not sent as if it were whole")
    func failingStream() async throws {
        struct Fault: Error {}
        let transport = ChunkTransport([])
        let client = try client(transport, session: FakeSession(record: try .sample()))
        let chunks = AsyncThrowingStream<[UInt8], any Error> { continuation in
            continuation.yield([1])
            continuation.finish(throwing: Fault())
        }
        await #expect(
            throws: AuthError.transient("the stream of the request's body failed", retryAfter: nil)
        ) {
            try await client.send(
                APIRequest(.post, client.url("/f"), body: .stream(OneShotBody(chunks))))
        }
        #expect(transport.uploads.isEmpty)
    }

    @Test("Case 82: a stream that ends because its call was cancelled is no whole body")
    func cancelledStream() async throws {
        let transport = ChunkTransport([])
        let client = try client(transport, session: FakeSession(record: try .sample()))
        let (taken, take) = AsyncStream.makeStream(of: Void.self)
        let (chunks, give) = AsyncStream.makeStream(of: [UInt8].self)
        give.yield([1])
        let request = APIRequest(
            .post, try client.url("/f"), body: .stream(OneShotBody(chunks)),
            progress: { if $0.bytes == 1 { take.yield() } })
        let task = Task { try await client.send(request) }
        for await _ in taken { break }
        task.cancel()
        await #expect(throws: AuthError.cancelled) { try await task.value }
        #expect(transport.uploads.isEmpty)
    }

    @Test("Case 82: a stream that a 401 refused is not sent again")
    func streamOnce() async throws {
        let session = FakeSession(record: try .sample())
        let transport = ChunkTransport([.init(status: 401)])
        let client = try client(transport, session: session)
        let chunks = AsyncStream<[UInt8]> { continuation in
            continuation.yield([1, 2])
            continuation.yield([3])
            continuation.finish()
        }
        await #expect(throws: AuthError.bodyNotRepeatable) {
            try await client.send(
                APIRequest(.post, client.url("/f"), body: .stream(OneShotBody(chunks))))
        }
        #expect(transport.uploads == [[1, 2, 3]])
        #expect(transport.lengths == [nil])
        #expect(session.refreshes == 0)
    }

    @Test("A success is handed on chunk by chunk; the body of a 401 before it is not")
    func download() async throws {
        let session = FakeSession(record: try .sample())
        let transport = ChunkTransport([
            .init(status: 401, chunks: [[9, 9]]), .init(status: 200, chunks: [[1], [2, 3]]),
        ])
        let client = try client(transport, session: session)
        let received = Mutex<[[UInt8]]>([])
        let answer = try await client.download(APIRequest(.get, client.url("/f"))) { chunk in
            received.withLock { $0.append(chunk) }
        }
        #expect(received.withLock { $0 } == [[1], [2, 3]])
        #expect(answer.response.status == .ok && answer.body.isEmpty)
        #expect(session.refreshes == 1)
    }

    @Test("Any other answer comes back with its body and hands nothing on")
    func refused() async throws {
        let transport = ChunkTransport([.init(status: 404, chunks: [[1], [2]])])
        let client = try client(transport, session: FakeSession(record: try .sample()))
        let answer = try await client.download(APIRequest(.get, client.url("/f"))) { _ in
            Issue.record("something was handed on")
        }
        #expect(answer.response.status == .notFound && answer.body == [1, 2])
    }

    @Test("A download that breaks before its first chunk is repeated, one that breaks later is not")
    func broken() async throws {
        let early = ChunkTransport([
            .init(status: 200, fault: .answerLost("reset")), .init(status: 200, chunks: [[1]]),
        ])
        let count = ScriptedCount()
        let first = try client(early, session: FakeSession(record: try .sample()))
        _ = try await first.download(APIRequest(.get, first.url("/f"))) { _ in count.increase() }
        #expect(count.value == 1)

        let late = ChunkTransport([
            .init(status: 200, chunks: [[1]], fault: .answerLost("reset"))
        ])
        let second = try client(late, session: FakeSession(record: try .sample()))
        await #expect(throws: AuthError.transient("reset", retryAfter: nil)) {
            try await second.download(APIRequest(.get, second.url("/f"))) { _ in
                count.increase()
            }
        }
        #expect(count.value == 2)
    }

    @Test("A receiver that throws ends the call")
    func receiverThrows() async throws {
        struct Enough: Error {}
        let transport = ChunkTransport([.init(status: 200, chunks: [[1], [2]])])
        let client = try client(transport, session: FakeSession(record: try .sample()))
        await #expect(throws: AuthError.cancelled) {
            try await client.download(APIRequest(.get, client.url("/f"))) { _ in throw Enough() }
        }
    }

    @Test("A transport that takes whole answers only hands on one chunk")
    func wholeAnswers() async throws {
        let bench = try Bench(ScriptedTransport(.status(200, body: "abc")))
        let received = Mutex<[[UInt8]]>([])
        let answer = try await bench.client.download(
            APIRequest(.get, bench.client.url("/f"))
        ) { chunk in received.withLock { $0.append(chunk) } }
        #expect(received.withLock { $0 } == [Array("abc".utf8)])
        #expect(answer.body.isEmpty)
    }
}

/// Answers in chunks by script, after it has taken the whole upload.
final class ChunkTransport: StreamingHTTPTransport {
    struct Answer: Sendable {
        var status: Int
        var chunks: [[UInt8]] = []
        /// What happens after the last chunk.
        var fault: TransportError?
    }

    private struct Content {
        var answers: ArraySlice<Answer>
        var uploads: [[UInt8]] = []
        var lengths: [Int64?] = []
        var largestChunk = 0
    }

    private let content: Mutex<Content>

    init(_ answers: [Answer]) {
        content = Mutex(Content(answers: answers[...]))
    }

    var uploads: [[UInt8]] { content.withLock { $0.uploads } }
    var lengths: [Int64?] { content.withLock { $0.lengths } }
    var largestChunk: Int { content.withLock { $0.largestChunk } }

    func send(_ exchange: HTTPExchange) async throws(TransportError) -> HTTPAnswer {
        Issue.record("a body was sent or taken whole")
        throw .notSent("whole")
    }

    func stream(
        _ exchange: HTTPExchange, upload: HTTPUpload?,
        receive: @escaping @Sendable (HTTPResponse, [UInt8]) async throws -> Void
    ) async throws(TransportError) -> HTTPResponse {
        if let upload { try await take(upload) }
        guard let answer = content.withLock({ $0.answers.popFirst() }) else {
            Issue.record("unexpected request")
            throw .notSent("not in the script")
        }
        let head = HTTPResponse(status: .init(code: answer.status))
        for chunk in answer.chunks {
            do { try await receive(head, chunk) } catch { throw .cancelled }
        }
        if let fault = answer.fault { throw fault }
        return head
    }

    private func take(_ upload: HTTPUpload) async throws(TransportError) {
        var bytes: [UInt8] = []
        do {
            while let chunk = try await upload.next() {
                bytes += chunk
                content.withLock { $0.largestChunk = max($0.largestChunk, chunk.count) }
            }
        } catch {
            throw .cancelled
        }
        content.withLock { content in
            content.uploads.append(bytes)
            content.lengths.append(upload.length)
        }
    }
}
