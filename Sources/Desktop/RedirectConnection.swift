internal import AuthModels
internal import NIOCore

/// One connection to the redirect listener: reads one request, answers it once, and is gone.
///
/// The other side is left to close first. Who closes first keeps the port in TIME_WAIT, and without
/// address reuse, which another user's process could turn to its own use, the next sign-in would
/// find its fixed port taken. A side that does not close in time is reset.
final class RedirectConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// From the first byte that could have come to the last of the head.
    static let requestTimeMax = TimeAmount.seconds(10)
    /// What the browser waits for the tokens: an exchange and a keyring prompt.
    static let outcomeTimeMax = TimeAmount.seconds(180)
    /// From the answer to the other side's close.
    static let closeTimeMax = TimeAmount.seconds(1)
    /// Read and thrown away behind the request before the connection is reset.
    static let surplusBytesMax = 256 * 1024

    private enum State {
        case reading(RequestHeadParser)
        case parked(target: String)
        case holding
        case answered(surplus: Int)
    }

    private let redirectURI: RedirectURI
    private let desk: RedirectDesk
    private let connections: OpenConnections
    private var state = State.reading(RequestHeadParser())
    private var timer: Scheduled<Void>?

    init(redirectURI: RedirectURI, desk: RedirectDesk, connections: OpenConnections) {
        self.redirectURI = redirectURI
        self.desk = desk
        self.connections = connections
    }

    func channelActive(context: ChannelHandlerContext) {
        connections.add(context.channel)
        limit(Self.requestTimeMax, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        connections.remove(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytesView
        switch state {
        case .reading(var parser):
            let progress = parser.read(bytes)
            state = .reading(parser)
            proceed(progress, context)
        case .parked, .holding:
            break
        case .answered(let surplus):
            state = .answered(surplus: surplus + bytes.count)
            if surplus + bytes.count > Self.surplusBytesMax { context.close(promise: nil) }
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch (event, state) {
        case (is RedirectDesk.JudgeEvent, .parked(let target)):
            consider(target, context)
        case (let event as RedirectDesk.AnswerEvent, .holding):
            answer(event.page, context)
        case (ChannelEvent.inputClosed, .reading), (ChannelEvent.inputClosed, .answered):
            context.close(promise: nil)
        default:
            // A browser that closed its half still gets its page.
            break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func proceed(
        _ progress: RequestHeadParser.Progress, _ context: ChannelHandlerContext
    ) {
        switch progress {
        case .needsMore: break
        case .refused(.notHTTP): answer(.badRequest, context)
        case .refused(.targetTooLong): answer(.targetTooLong, context)
        case .refused(.headTooLarge): answer(.headTooLarge, context)
        case .head(let head):
            switch RedirectScreening(head, for: redirectURI) {
            case .candidate(let target): consider(target, context)
            case .stray(let page, let onRedirectPath):
                if onRedirectPath { desk.countRejection() }
                answer(page, context, bodyless: head.method.isExactly("HEAD"))
            }
        }
    }

    private func consider(_ target: String, _ context: ChannelHandlerContext) {
        let channel = context.channel
        let reply = desk.consider(target, from: channel) {
            guard let peer = channel.remoteAddress, let own = channel.localAddress else {
                return .gone
            }
            return PeerOwner(of: peer, connectedTo: own)
        }
        switch reply {
        case .answer(let page): answer(page, context)
        case .park: state = .parked(target: target)
        case .hold:
            state = .holding
            connections.remove(channel)
            limit(Self.outcomeTimeMax, context)
        }
    }

    private func answer(
        _ page: RedirectPage, _ context: ChannelHandlerContext, bodyless: Bool = false
    ) {
        state = .answered(surplus: 0)
        limit(Self.closeTimeMax, context)
        let bytes = context.channel.allocator.buffer(bytes: page.answer(bodyless: bodyless))
        context.writeAndFlush(wrapOutboundOut(bytes), promise: nil)
    }

    /// Replaces the bound on what the connection is doing.
    private func limit(_ time: TimeAmount, _ context: ChannelHandlerContext) {
        timer?.cancel()
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: time) {
            context.close(promise: nil)
        }
    }
}
