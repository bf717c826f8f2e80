import AuthModels
import HTTPTypes
import Synchronization
import Testing

@testable import Desktop

@Suite("The HTTP transport in chunks")
struct TransportStreamingTests {
    private static let head = "HTTP/1.1 200 OK\r\nContent-Length: "

    @discardableResult
    private func with<Result: Sendable>(
        _ steps: [ScriptedServer.Step],
        _ body: (ScriptedServer, AsyncHTTPTransport) async throws -> Result
    ) async throws -> Result {
        let server = try await ScriptedServer { _, _ in steps }
        let transport = AsyncHTTPTransport(trust: .system)
        do {
            let result = try await body(server, transport)
            await transport.shutdown()
            await server.stop()
            return result
        } catch {
            await transport.shutdown()
            await server.stop()
            throw error
        }
    }

    @Test("A download arrives whole, in order and one chunk at a time")
    func download() async throws {
        let bytes = (0..<(4 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 131 &+ $0 >> 8) }
        let received = Mutex<[UInt8]>([])
        let atOnce = Mutex((now: 0, most: 0))
        try await with([.text(Self.head + "\(bytes.count)\r\n\r\n"), .send(bytes)]) {
            server, transport in
            let head = try await transport.stream(
                exchange(server.port, method: .get, body: "", bytesMax: .max), upload: nil
            ) { _, chunk in
                atOnce.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                await Task.yield()
                received.withLock { $0 += chunk }
                atOnce.withLock { $0.now -= 1 }
            }
            #expect(head.status == .ok)
        }
        #expect(received.withLock { $0 == bytes })
        #expect(atOnce.withLock { $0.most } == 1)
    }

    @Test("An upload with a length goes out chunk by chunk under that length")
    func upload() async throws {
        let left = Mutex(64)
        try await with([.text(Self.head + "0\r\n\r\n")]) { server, transport in
            let upload = HTTPUpload(length: 64 * 1024) {
                left.withLock { left -> [UInt8]? in
                    guard left > 0 else { return nil }
                    left -= 1
                    return [UInt8](repeating: UInt8(ascii: "a") + UInt8(left % 26), count: 1024)
                }
            }
            let head = try await transport.stream(
                exchange(server.port, body: ""), upload: upload
            ) { _, _ in }
            #expect(head.status == .ok)
            let request = try #require(server.seen.requests.first)
            #expect(request.lowercased().contains("content-length: 65536\r\n"))
            #expect(request.hasSuffix(String(repeating: "a", count: 1024)))
            #expect(request.utf8.count > 65_536)
        }
    }

    @Test("An upload without a length is sent chunked")
    func chunked() async throws {
        try await with([.text(Self.head + "0\r\n\r\n")]) { server, transport in
            let left = Mutex<[[UInt8]]>([[1], [2]])
            _ = try await transport.stream(
                exchange(server.port, body: ""),
                upload: HTTPUpload(length: nil) { left.withLock { $0.popLast() } }
            ) { _, _ in }
            let request = try #require(server.seen.requests.first)
            #expect(request.lowercased().contains("transfer-encoding: chunked\r\n"))
        }
    }

    @Test("A receiver that has enough of an endless answer ends it")
    func enough() async throws {
        struct Enough: Error {}
        let count = Mutex(0)
        let endless = [UInt8](repeating: 7, count: 64 << 10)
        try await with([.text("HTTP/1.1 200 OK\r\n\r\n"), .sendForever(endless)]) {
            server, transport in
            await #expect(throws: TransportError.cancelled) {
                try await transport.stream(
                    exchange(server.port, method: .get, body: "", bytesMax: .max), upload: nil
                ) { _, chunk in
                    let total = count.withLock { count in
                        count += chunk.count
                        return count
                    }
                    if total > 16 << 20 { throw Enough() }
                }
            }
        }
        #expect(count.withLock { $0 } > 16 << 20)
    }

    @Test("Cancelling the task ends an endless answer")
    func cancelled() async throws {
        let endless = [UInt8](repeating: 7, count: 64 << 10)
        try await with([.text("HTTP/1.1 200 OK\r\n\r\n"), .sendForever(endless)]) {
            server, transport in
            let exchange = try exchange(server.port, method: .get, body: "", bytesMax: .max)
            let (started, start) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                try await transport.stream(exchange, upload: nil) { _, _ in start.yield() }
            }
            for await _ in started { break }
            task.cancel()
            await #expect(throws: TransportError.cancelled) { try await task.value }
        }
    }

    @Test("The cap counts over all chunks, the deadline over the whole transfer")
    func bounds() async throws {
        let endless = [UInt8](repeating: 7, count: 64 << 10)
        try await with([.text("HTTP/1.1 200 OK\r\n\r\n"), .sendForever(endless)]) {
            server, transport in
            await #expect(throws: TransportError.responseTooLarge) {
                try await transport.stream(
                    exchange(server.port, method: .get, body: "", bytesMax: 1 << 20), upload: nil
                ) { _, _ in }
            }
            await #expect(throws: TransportError.timedOut(mayHaveArrived: true)) {
                try await transport.stream(
                    exchange(
                        server.port, method: .get, body: "", deadline: .milliseconds(200),
                        bytesMax: .max), upload: nil
                ) { _, _ in }
            }
        }
    }

    @Test("An upload that fails on this side is cancelled, not sent as if it were whole")
    func failingUpload() async throws {
        struct Fault: Error {}
        try await with([]) { server, transport in
            let left = Mutex(1)
            await #expect(throws: TransportError.cancelled) {
                try await transport.stream(
                    exchange(server.port, body: ""),
                    upload: HTTPUpload(length: 100) {
                        let isFirst = left.withLock { left in
                            left -= 1
                            return left == 0
                        }
                        guard isFirst else { throw Fault() }
                        return [1, 2, 3]
                    }
                ) { _, _ in }
            }
            #expect(server.seen.requests.isEmpty)
        }
    }
}
