import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A real server on loopback that answers each request with a fixed list of steps, byte for byte.
final class ScriptedServer: Sendable {
    enum Step: Sendable {
        case send([UInt8])
        /// The same bytes for as long as somebody reads them.
        case sendForever([UInt8])
        case pause(TimeAmount)
        case close
        /// Closes with RST.
        case reset

        static func text(_ text: String) -> Step { .send(Array(text.utf8)) }
    }

    struct Seen: Sendable {
        var connections = 0
        var closedConnections = 0
        var requests: [String] = []
        var bytes = 0
        /// What the kernel has taken of `sendForever`.
        var sentForever = 0
    }

    let port: Int
    private let seenBox: SeenBox
    private let group: MultiThreadedEventLoopGroup

    var seen: Seen { seenBox.value.withLock { $0 } }

    /// - Parameters:
    ///   - answersHeads: answers as soon as a head is there, and takes no notice of the rest.
    ///   - steps: gets the number of requests seen before, and the request.
    init(
        tls: TLSConfiguration? = nil, answersUnasked: Bool = false, answersHeads: Bool = false,
        steps: @escaping @Sendable (Int, String) -> [Step]
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let box = SeenBox()
        let context = try tls.map { try NIOSSLContext(configuration: $0) }
        let channel = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLServerHandler(context: context))
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        ScriptedConnection(
                            box, answersUnasked: answersUnasked, answersHeads: answersHeads, steps))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.group = group
        seenBox = box
        port = channel.localAddress?.port ?? 0
    }

    func stop() async {
        try? await group.shutdownGracefully()
    }
}

final class SeenBox: Sendable {
    let value = Mutex(ScriptedServer.Seen())
}

private final class ScriptedConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let seen: SeenBox
    private let answersUnasked: Bool
    private let answersHeads: Bool
    private var isAnswered = false
    private let steps: @Sendable (Int, String) -> [ScriptedServer.Step]
    private var request: [UInt8] = []

    init(
        _ seen: SeenBox, answersUnasked: Bool, answersHeads: Bool,
        _ steps: @escaping @Sendable (Int, String) -> [ScriptedServer.Step]
    ) {
        self.seen = seen
        self.answersUnasked = answersUnasked
        self.answersHeads = answersHeads
        self.steps = steps
    }

    func channelActive(context: ChannelHandlerContext) {
        seen.value.withLock { $0.connections += 1 }
        if answersUnasked { run(steps(0, "")[...], context) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        seen.value.withLock { $0.closedConnections += 1 }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytesView
        seen.value.withLock { $0.bytes += bytes.count }
        guard !isAnswered else { return }
        request.append(contentsOf: bytes)
        let text = String(decoding: request, as: UTF8.self)
        guard !answersUnasked, isEnough(text) else { return }
        request = []
        isAnswered = answersHeads
        let before = seen.value.withLock { seen in
            seen.requests.append(text)
            return seen.requests.count - 1
        }
        run(steps(before, text)[...], context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func isEnough(_ text: String) -> Bool {
        answersHeads ? text.utf8Range(of: "\r\n\r\n") != nil : Self.isWhole(text)
    }

    private static func isWhole(_ text: String) -> Bool {
        guard let head = text.utf8Range(of: "\r\n\r\n") else { return false }
        let length = text.lowercased().split(separator: "\r\n")
            .first { $0.hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst("content-length:".count).filter { $0 != " " }) }
        return text.utf8.count - head >= (length ?? 0)
    }

    private func run(_ steps: ArraySlice<ScriptedServer.Step>, _ context: ChannelHandlerContext) {
        guard let step = steps.first else { return }
        let rest = steps.dropFirst()
        let loop = context.eventLoop.assumeIsolated()
        switch step {
        case .send(let bytes):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
            run(rest, context)
        case .sendForever(let bytes):
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)))
                // By way of the loop: a write may be done at once, and a stack is not endless.
                .assumeIsolated().whenSuccess {
                    self.seen.value.withLock { $0.sentForever += bytes.count }
                    loop.execute { self.run(steps, context) }
                }
        case .pause(let time):
            loop.scheduleTask(in: time) { self.run(rest, context) }
        case .close:
            context.close(promise: nil)
        case .reset:
            let lingering = (context.channel as? any SocketOptionProvider)?.setSoLinger(
                linger(l_onoff: 1, l_linger: 0))
            guard let lingering else { return context.close(promise: nil) }
            lingering.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        }
    }
}

extension String {
    /// The number of bytes up to and with the first occurrence of an ASCII text.
    func utf8Range(of needle: String) -> Int? {
        let bytes = Array(utf8)
        let wanted = Array(needle.utf8)
        guard bytes.count >= wanted.count else { return nil }
        for start in 0...(bytes.count - wanted.count)
        where bytes[start..<(start + wanted.count)].elementsEqual(wanted) {
            return start + wanted.count
        }
        return nil
    }
}
