import AuthModels
import AuthenticatedHTTP
import FoundationEssentials
import HTTPTypes
import Testing

@Suite("Request bodies")
struct BodyTests {
    private func stream(_ chunks: [UInt8]...) -> APIBody {
        .stream(
            OneShotBody(
                AsyncThrowingStream<[UInt8], any Error> { continuation in
                    for chunk in chunks { continuation.yield(chunk) }
                    continuation.finish()
                }))
    }

    @Test("Case 82: a stream is sent once; a 401 then says that it was not sent again")
    func streamRefused() async throws {
        let bench = try Bench(ScriptedTransport(.invalidToken))
        await #expect(throws: AuthError.bodyNotRepeatable) {
            try await bench.send(.post, body: stream([1, 2], [3]))
        }
        #expect(bench.transport.requests.map(\.body) == [[1, 2, 3]])
        #expect(bench.session.refreshes == 0)
    }

    @Test("Case 82: a stream is not sent again on an overloaded service either")
    func streamOverloaded() async throws {
        let bench = try Bench(ScriptedTransport(.status(503)))
        let answer = try await bench.send(.put, body: stream([1]))
        #expect(answer.response.status.code == 503)
        #expect(bench.transport.requests.count == 1)
    }

    @Test("Case 82: the same stream given twice is refused before anything is sent")
    func streamTwice() async throws {
        let bench = try Bench(ScriptedTransport(.ok))
        let body = stream([1])
        _ = try await bench.send(.post, body: body)
        await #expect(throws: AuthError.bodyNotRepeatable) {
            try await bench.send(.post, body: body)
        }
        #expect(bench.transport.requests.count == 1)
    }

    @Test("Case 82: bytes and files are resent whole after a 401 and after a 503")
    func resentWhole() async throws {
        let path = "/tmp/ksconnect-body-\(UUID())"
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        try Data(bytes).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        for body in [APIBody.bytes(bytes), .file(path: path)] {
            let bench = try Bench(ScriptedTransport(.status(503), .invalidToken, .ok))
            _ = try await bench.send(.put, body: body)
            #expect(bench.transport.requests.allSatisfy { $0.body == bytes })
            #expect(bench.transport.isSpent)
        }
    }

    @Test("A file that cannot be read is told before anything is sent")
    func missingFile() async throws {
        let bench = try Bench(ScriptedTransport())
        do {
            _ = try await bench.send(.put, body: .file(path: "/nonexistent/body"))
            Issue.record("nothing was thrown")
        } catch AuthError.configInvalid {}
    }

    @Test("A stream that fails sends nothing")
    func failingStream() async throws {
        struct Fault: Error {}
        let bench = try Bench(ScriptedTransport())
        let body = APIBody.stream(
            OneShotBody(
                AsyncThrowingStream<[UInt8], any Error> { $0.finish(throwing: Fault()) }))
        do {
            _ = try await bench.send(.post, body: body)
            Issue.record("nothing was thrown")
        } catch AuthError.transient {}
    }
}
