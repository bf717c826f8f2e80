import AuthModels
import Desktop
import Foundation
import Hummingbird
import HummingbirdCore
import KSConnect
import Logging
import NIOCore

/// Puts the parts together and runs them until the process is told to stop.
struct Server: Sendable {
    private static let connectionsMax = 2_000
    private static let headBytesMax = 16 * 1024
    private static let idleConnection = TimeAmount.seconds(60)

    private let settings: Settings
    private let logger = Logger(label: "webapp")

    init(_ settings: Settings) { self.settings = settings }

    func run() async throws {
        // A store or key out of reach shows now, and not at the first person's sign-in.
        do { try await settings.storage.store.prepareForSignIn() } catch {
            throw AuthError.store(error)
        }
        let sessions = Sessions(settings, logger: logger)
        let signIns = SignIns(settings, logger: logger)
        let sweeping = Task { await sessions.sweepAgainAndAgain() }
        try await application(sessions, signIns).runService()
        sweeping.cancel()
        signIns.cancelAll()
        // A refresh whose page nobody waits for any more still has its answer kept.
        await sessions.settle()
        await sweeping.value
        await settings.transport.shutdown()
    }

    private func application(
        _ sessions: Sessions, _ signIns: SignIns
    ) -> some ApplicationProtocol {
        let cookies = Cookies(origin: settings.origin)
        let visitors = Visitors(sessions: sessions, cookies: cookies, logger: logger)
        let signInPages = SignInPages(
            settings: settings, visitors: visitors, signIns: signIns, cookies: cookies)
        let routes = Routes(
            settings: settings, signInPages: signInPages,
            sitePages: SitePages(visitors: visitors))
        let readyLine = "{\"url\": \"\(settings.origin)\"}\n"
        return Application(
            router: routes.router(),
            server: .http1(
                configuration: .init(
                    idleTimeout: Self.idleConnection,
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: Self.headBytesMax,
                        maxHeaderListSize: Self.headBytesMax, maxHeaderFieldCount: 100))),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.bind, port: settings.port), serverName: nil,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.connectionsMax)),
            onServerRunning: { _ in
                FileHandle.standardOutput.write(Data(readyLine.utf8))
            },
            logger: logger)
    }
}
