public import AuthModels
internal import Glibc
internal import NIOCore
internal import NIOPosix

/// Receives the redirect on a loopback port, for one sign-in at a time and nobody else
/// (RFC 8252 §7.3 and §8.3).
///
/// - `localhost` means 127.0.0.1 and ::1: both are bound to the same port before the port is told
///   to anyone, because a browser may use either and another user could hold the other.
/// - No address reuse is set, so that no other process can share the port.
/// - Only a GET of the redirect path, under the redirect URI's own host and port, by this user (or
///   root), whose target the judge accepts, is taken; everything else is answered and forgotten.
public struct LoopbackRedirectReceiver: RedirectReceiving {
    /// How often another ephemeral port is tried when one family has it taken.
    private static let ephemeralTriesMax = 16

    private let addresses: @Sendable (RedirectURI.Host) -> [String]

    public init() {
        self.init { host in
            switch host {
            case .localhost: ["127.0.0.1", "::1"]
            case .ipv4: ["127.0.0.1"]
            case .ipv6: ["::1"]
            }
        }
    }

    init(addresses: @escaping @Sendable (RedirectURI.Host) -> [String]) {
        self.addresses = addresses
    }

    public func listen(
        on redirectURI: RedirectURI
    ) async throws(RedirectError) -> any RedirectListener {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            return try await listen(on: redirectURI, group)
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    private func listen(
        on redirectURI: RedirectURI, _ group: MultiThreadedEventLoopGroup
    ) async throws(RedirectError) -> LoopbackListener {
        guard let loopback = redirectURI.loopback else {
            throw .noLoopback("the redirect URI \(redirectURI) is no loopback address")
        }
        let desk = RedirectDesk()
        let bootstrap = Self.bootstrap(group, redirectURI, desk)
        var tries = loopback.port == 0 ? Self.ephemeralTriesMax : 1
        while true {
            tries -= 1
            do throws(RedirectError) {
                let channels = try await bind(loopback, bootstrap)
                guard let port = channels.first?.localAddress?.port,
                    let bound = try? redirectURI.bound(to: port)
                else { throw RedirectError.noLoopback("no port was given") }
                return LoopbackListener(
                    redirectURI: bound, desk: desk, channels: channels, group: group)
            } catch {
                guard case .portUnavailable = error, tries > 0 else { throw error }
            }
        }
    }

    /// Binds every address that exists, to one port.
    private func bind(
        _ loopback: RedirectURI.Loopback, _ bootstrap: ServerBootstrap
    ) async throws(RedirectError) -> [any Channel] {
        var channels: [any Channel] = []
        var port = loopback.port
        do throws(RedirectError) {
            for address in addresses(loopback.host) {
                guard let channel = try await Self.bind(address, port, bootstrap) else { continue }
                channels.append(channel)
                port = channel.localAddress?.port ?? port
            }
            guard !channels.isEmpty else {
                throw RedirectError.noLoopback(
                    "no loopback address of \(loopback.host.rawValue) exists on this machine")
            }
            return channels
        } catch {
            for channel in channels { try? await channel.close() }
            throw error
        }
    }

    /// - Returns: nil when this machine has no such address.
    private static func bind(
        _ address: String, _ port: Int, _ bootstrap: ServerBootstrap
    ) async throws(RedirectError) -> (any Channel)? {
        do {
            return try await bootstrap.bind(to: SocketAddress(ipAddress: address, port: port)).get()
        } catch let error as IOError {
            switch error.errnoCode {
            case EADDRNOTAVAIL, EAFNOSUPPORT, EPROTONOSUPPORT: return nil
            case EADDRINUSE, EACCES: throw .portUnavailable(port)
            default: throw .noLoopback("\(address) cannot be listened on: \(error)")
            }
        } catch {
            throw .noLoopback("\(address) cannot be listened on: \(error)")
        }
    }

    private static func bootstrap(
        _ group: MultiThreadedEventLoopGroup, _ redirectURI: RedirectURI, _ desk: RedirectDesk
    ) -> ServerBootstrap {
        let connections = OpenConnections()
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 128)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                // A close on this side resets, and so leaves no TIME_WAIT on the port.
                let lingering = (channel as? any SocketOptionProvider)?.setSoLinger(
                    linger(l_onoff: 1, l_linger: 0))
                return (lingering ?? channel.eventLoop.makeSucceededVoidFuture())
                    .flatMapThrowing {
                        let port = channel.localAddress?.port ?? 0
                        let connection = RedirectConnection(
                            redirectURI: try redirectURI.bound(to: port), desk: desk,
                            connections: connections)
                        try channel.pipeline.syncOperations.addHandler(connection)
                    }
            }
    }
}
