internal import AuthModels
internal import NIOCore
internal import NIOPosix

/// The bound sockets of one sign-in.
final class LoopbackListener: RedirectListener {
    let redirectURI: RedirectURI
    private let desk: RedirectDesk
    private let channels: [any Channel]
    private let group: MultiThreadedEventLoopGroup

    init(
        redirectURI: RedirectURI, desk: RedirectDesk, channels: [any Channel],
        group: MultiThreadedEventLoopGroup
    ) {
        self.redirectURI = redirectURI
        self.desk = desk
        self.channels = channels
        self.group = group
    }

    deinit {
        // A sign-in that forgot to close must not keep the port.
        guard desk.close() else { return }
        Task.detached { [group] in try? await group.shutdownGracefully() }
    }

    func receive(
        judge: @escaping @Sendable (String) -> RedirectJudgement
    ) async throws(RedirectError) -> ReceivedRedirect {
        try await desk.wait(judge: judge).get()
    }

    func finish(_ outcome: SignInOutcome) async {
        guard let channel = desk.takeHeld() else { return }
        let page: RedirectPage =
            switch outcome {
            case .signedIn: .signedIn
            case .denied: .denied
            case .failed: .failed
            }
        channel.pipeline.fireUserInboundEventTriggered(RedirectDesk.AnswerEvent(page: page))
        try? await channel.closeFuture.get()
    }

    func close() async {
        guard desk.close() else { return }
        for channel in channels { try? await channel.close() }
        // Resets every connection that is left and ends the thread.
        try? await group.shutdownGracefully()
    }
}
