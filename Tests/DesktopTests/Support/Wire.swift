import NIOCore
import NIOPosix
import Synchronization

/// A bare TCP connection to a loopback port, as an odd or hostile client makes it.
final class Wire: Sendable {
    private let channel: any Channel
    private let collected: Collected

    static func connect(
        to port: Int, at host: String = "127.0.0.1"
    ) async throws -> Wire {
        let collected = Collected()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(WireHandler(collected))
                }
            }
            .connect(to: SocketAddress(ipAddress: host, port: port)).get()
        return Wire(channel, collected)
    }

    private init(_ channel: any Channel, _ collected: Collected) {
        self.channel = channel
        self.collected = collected
    }

    var localPort: Int { channel.localAddress?.port ?? 0 }

    func send(_ text: String) async throws {
        try await send(Array(text.utf8))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// All that came once one answer was whole or the connection ended.
    func answer() async -> String {
        try? await channel.closeFuture.get()
        return collected.text.withLock { String(decoding: $0, as: UTF8.self) }
    }

    func close() async {
        try? await channel.close()
    }

    /// One request on a connection of its own; once more where that was closed before the request
    /// could leave: on a starved machine the listener's patience for a silent peer may be over.
    static func exchange(
        _ request: String, to port: Int, at host: String = "127.0.0.1"
    ) async throws -> String {
        let first = try await connect(to: port, at: host)
        do {
            try await first.send(request)
            return await first.answer()
        } catch ChannelError.ioOnClosedChannel {
            let second = try await connect(to: port, at: host)
            try await second.send(request)
            return await second.answer()
        }
    }
}

final class Collected: Sendable {
    let text = Mutex<[UInt8]>([])
}

private final class WireHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let collected: Collected

    init(_ collected: Collected) {
        self.collected = collected
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytesView
        let text = collected.text.withLock { collected in
            collected.append(contentsOf: bytes)
            return String(decoding: collected, as: UTF8.self)
        }
        // A browser closes when it has the whole answer and was told to.
        guard let head = text.utf8Range(of: "\r\n\r\n") else { return }
        let length = text.split(separator: "\r\n").first { $0.hasPrefix("Content-Length: ") }
            .flatMap { Int($0.dropFirst("Content-Length: ".count)) }
        if text.utf8.count - head >= length ?? 0 { context.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
