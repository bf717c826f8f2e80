import AuthModels
import Glibc
import HTTPTypes
import NIOCore
import Synchronization
import Testing

@testable import Desktop

/// What a transfer leaves behind, and how far it runs ahead of whoever is slow.
@Suite("Transfers that are slow or cancelled")
struct TransportCancellationTests {
    private static let endless: [ScriptedServer.Step] = [
        .text("HTTP/1.1 200 OK\r\n\r\n"), .sendForever([UInt8](repeating: 7, count: 64 << 10)),
    ]
    /// More than the kernel's buffers of one loopback connection take, on both its sides.
    private static let aheadMax = 32 << 20

    @Test(
        "Case 82: a download that is cancelled closes its connection, and ends whoever took chunks")
    func downloadMidBody() async throws {
        let server = try await ScriptedServer { _, _ in Self.endless }
        let transport = AsyncHTTPTransport(trust: .system)
        let exchange = try exchange(server.port, method: .get, body: "", bytesMax: .max)
        let (taken, take) = AsyncStream.makeStream(of: Void.self)
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await transport.stream(exchange, upload: nil) { _, _ in
                take.yield()
                // A consumer that is stuck, and that cancellation alone sets free.
                await forEver()
                end.yield()
            }
        }
        for await _ in taken { break }
        task.cancel()
        await #expect(throws: TransportError.cancelled) { try await task.value }
        for await _ in ended { break }
        #expect(await server.hasClosed(1))
        await transport.shutdown()
        await server.stop()
    }

    @Test("Case 82: a request that is cancelled before its head came closes its connection")
    func beforeHead() async throws {
        let server = try await ScriptedServer { _, _ in [] }
        let transport = AsyncHTTPTransport(trust: .system)
        let exchange = try exchange(server.port, method: .get, body: "", bytesMax: .max)
        let task = Task {
            try await transport.stream(exchange, upload: nil) { _, _ in }
        }
        #expect(await eventually { server.seen.requests.count == 1 })
        task.cancel()
        await #expect(throws: TransportError.cancelled) { try await task.value }
        #expect(await server.hasClosed(1))
        await transport.shutdown()
        await server.stop()
    }

    @Test(
        "Case 82: an upload that is cancelled closes its connection, and ends whoever gives chunks")
    func uploadMidBody() async throws {
        let server = try await ScriptedServer { _, _ in [] }
        let transport = AsyncHTTPTransport(trust: .system)
        let exchange = try exchange(server.port, body: "")
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let (ended, end) = AsyncStream.makeStream(of: Void.self)
        let isFirst = Mutex(true)
        let upload = HTTPUpload(length: 100) {
            let first = isFirst.withLock { first in
                defer { first = false }
                return first
            }
            guard !first else { return [1, 2, 3] }
            ask.yield()
            await forEver()
            end.yield()
            return nil
        }
        let task = Task { try await transport.stream(exchange, upload: upload) { _, _ in } }
        for await _ in asked { break }
        task.cancel()
        await #expect(throws: TransportError.cancelled) { try await task.value }
        for await _ in ended { break }
        #expect(await server.hasClosed(1))
        #expect(server.seen.requests.isEmpty, "the body was not passed off as whole")
        await transport.shutdown()
        await server.stop()
    }

    @Test(
        "Case 82: a consumer that is stuck with the last chunk holds up neither deadline nor cancellation"
    )
    func stuckAtEnd() async throws {
        let whole: [ScriptedServer.Step] = [.text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")]
        let server = try await ScriptedServer { _, _ in whole }
        let transport = AsyncHTTPTransport(trust: .system)
        let short = try exchange(
            server.port, method: .get, body: "", deadline: .milliseconds(500), bytesMax: .max)
        await #expect(throws: TransportError.timedOut(mayHaveArrived: true)) {
            try await transport.stream(short, upload: nil) { _, _ in await forEver() }
        }
        let long = try exchange(server.port, method: .get, body: "", bytesMax: .max)
        let (taken, take) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await transport.stream(long, upload: nil) { _, _ in
                take.yield()
                await forEver()
            }
        }
        for await _ in taken { break }
        task.cancel()
        await #expect(throws: TransportError.cancelled) { try await task.value }
        await transport.shutdown()
        await server.stop()
    }

    @Test("A server gets no further ahead of a slow consumer than the kernel's buffers reach")
    func slowConsumer() async throws {
        let server = try await ScriptedServer { _, _ in Self.endless }
        let transport = AsyncHTTPTransport(trust: .system)
        let exchange = try exchange(server.port, method: .get, body: "", bytesMax: .max)
        let (taken, take) = AsyncStream.makeStream(of: Void.self)
        let task = Task {
            try await transport.stream(exchange, upload: nil) { _, _ in
                take.yield()
                await forEver()
            }
        }
        for await _ in taken { break }
        // Whoever held nothing back would be past the bound soon: this waits for that to happen.
        let isPast = await eventually(within: .seconds(2)) {
            server.seen.sentForever > Self.aheadMax
        }
        #expect(!isPast, "\(server.seen.sentForever) bytes were sent to a consumer of one chunk")
        task.cancel()
        _ = await task.result
        await transport.shutdown()
        await server.stop()
    }

    @Test("A source is asked no further ahead of a slow server than the kernel's buffers reach")
    func slowServer() async throws {
        let mute = try await MuteListener()
        let transport = AsyncHTTPTransport(trust: .system)
        let source = try await uploadThatIsCancelled(
            to: exchange(mute.port, body: ""), by: transport)
        #expect(await eventually { source.value == nil }, "something still reads from it")
        await transport.shutdown()
    }

    /// Everything that holds the source ends with this function, but what the transport holds.
    private func uploadThatIsCancelled(
        to exchange: HTTPExchange, by transport: AsyncHTTPTransport
    ) async throws -> WeakSource {
        let source = Source()
        let task = Task {
            try await transport.stream(exchange, upload: source.upload) { _, _ in }
        }
        let isPast = await eventually(within: .seconds(2)) { source.given > Self.aheadMax }
        #expect(!isPast, "\(source.given) bytes were asked for by a server that reads none")
        #expect(source.given > 0)
        task.cancel()
        await #expect(throws: TransportError.cancelled) { try await task.value }
        return WeakSource(source)
    }

    @Test(
        "Case 82: a refusal before the body was read is the answer, with its body, and ends the upload",
        arguments: [
            "Content-Length: 2\r\n\r\nno", "Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n",
            "Connection: close\r\n\r\nno",
        ], [Int64?.none, 1 << 40])
    func refusedUnread(_ rest: String, _ length: Int64?) async throws {
        let head = "HTTP/1.1 401 Unauthorized\r\n"
        let server = try await ScriptedServer(answersHeads: true) { _, _ in [.text(head + rest)] }
        let transport = AsyncHTTPTransport(trust: .system)
        let body = Mutex<[UInt8]>([])
        let source = Source(length: length)
        let answer = try await transport.stream(
            exchange(server.port, body: ""), upload: source.upload
        ) { _, chunk in body.withLock { $0 += chunk } }
        #expect(answer.status == .unauthorized)
        #expect(body.withLock { $0 } == Array("no".utf8))
        #expect(await server.hasClosed(1), "what is left of the body has nowhere to go")
        await transport.shutdown()
        await server.stop()
    }

    @Test("An answer that follows the last byte at once, and a connection that ends with it, count")
    func answeredAtOnce() async throws {
        let server = try await ScriptedServer { _, _ in
            [.text("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"), .close]
        }
        let transport = AsyncHTTPTransport(trust: .system)
        for _ in 0..<200 {
            let left = Mutex(2)
            let upload = HTTPUpload(length: 2000) {
                left.withLock { left -> [UInt8]? in
                    left -= 1
                    return left >= 0 ? [UInt8](repeating: 65, count: 1000) : nil
                }
            }
            let head = try await transport.stream(
                exchange(server.port, body: ""), upload: upload
            ) { _, _ in }
            try #require(head.status == .noContent)
        }
        await transport.shutdown()
        await server.stop()
    }
}

extension ScriptedServer {
    /// Whether so many connections end, in time.
    fileprivate func hasClosed(_ count: Int) async -> Bool {
        await eventually { seen.closedConnections == count }
    }
}

/// Whether something comes true in time; true as soon as it does.
private func eventually(
    within time: Duration = .seconds(30), _ condition: () -> Bool
) async -> Bool {
    let end = ContinuousClock.now + time
    while ContinuousClock.now < end {
        if condition() { return true }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return condition()
}

/// Until the task is cancelled.
private func forEver() async {
    try? await Task.sleep(for: .seconds(3600))
}

/// An endless body, which nobody may hold for longer than the upload lasts.
private final class Source: Sendable {
    private let count = Mutex(0)
    private let length: Int64?

    init(length: Int64? = nil) { self.length = length }

    var given: Int { count.withLock { $0 } }

    var upload: HTTPUpload {
        HTTPUpload(length: length) { [self] in
            count.withLock { $0 += 64 << 10 }
            return [UInt8](repeating: 7, count: 64 << 10)
        }
    }
}

private struct WeakSource {
    private(set) weak var value: Source?
    init(_ value: Source) { self.value = value }
}

/// Takes connections into the kernel's queue and never reads from them.
private final class MuteListener: Sendable {
    let port: Int
    private let descriptor: Int32

    init() async throws {
        port = try await Port.quiet()
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: port)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        try await Port.patiently {
            let fault = address.withSockAddr { bind(descriptor, $0, UInt32($1)) }
            guard fault == 0, listen(descriptor, 8) == 0 else { throw PortError(errno: errno) }
        }
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }
}
