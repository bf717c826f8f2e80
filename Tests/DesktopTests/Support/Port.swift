import Glibc
import NIOCore
import NIOPosix
import Synchronization

enum Port {
    private static let last = Mutex(Int.random(in: 20_000..<29_000))

    /// A port that nobody listens on in either family, and that the kernel gives to nobody who asks
    /// for any: tests that run beside this one don't take it.
    static func quiet() async throws -> Int {
        while true {
            let port = last.withLock { last in
                last = last < 30_000 ? last + 1 : 20_000
                return last
            }
            var held: [any Channel] = []
            for address in ["127.0.0.1", "::1"] {
                let channel = try? await ServerBootstrap(
                    group: MultiThreadedEventLoopGroup.singleton
                ).bind(to: SocketAddress(ipAddress: address, port: port)).get()
                if let channel { held.append(channel) }
            }
            for channel in held { try await channel.close() }
            if held.count == 2 { return port }
        }
    }

    /// Tries again for two seconds. A child that a test beside this one is starting holds a copy of
    /// every descriptor until its execve, and so a port that has just been closed. What would keep
    /// a port for a reason (TIME_WAIT) keeps it for a minute.
    static func patiently<Bound: Sendable>(
        _ bind: @Sendable () async throws -> Bound
    ) async throws -> Bound {
        for _ in 0..<100 {
            if let bound = try? await bind() { return bound }
            try await Task.sleep(for: .milliseconds(20))
        }
        return try await bind()
    }
}

/// A port that is bound in both families and that nobody listens on: connections are refused, and
/// nobody else can take it.
final class DeafPort: Sendable {
    let number: Int
    private let descriptors: [Int32]

    init() async throws {
        number = try await Port.quiet()
        var descriptors: [Int32] = []
        for address in ["127.0.0.1", "::1"] {
            let address = try SocketAddress(ipAddress: address, port: number)
            let family = address.protocol == .inet ? AF_INET : AF_INET6
            let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
            _ = try await Port.patiently {
                let fault = address.withSockAddr { bind(descriptor, $0, UInt32($1)) }
                guard fault == 0 else { throw PortError(errno: errno) }
            }
            descriptors.append(descriptor)
        }
        self.descriptors = descriptors
    }

    deinit { for descriptor in descriptors { close(descriptor) } }
}

struct PortError: Error {
    let errno: Int32
}
