import AuthModels
import Glibc
import NIOCore
import Testing

@testable import Desktop

@Suite("The owner of the other end")
struct PeerOwnerTests {
    private static let header =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"

    private func owner(_ peer: String, _ tables: String...) throws -> PeerOwner {
        let isV6 = peer == "::1"
        return PeerOwner(
            of: try SocketAddress(ipAddress: peer, port: 40_000),
            connectedTo: try SocketAddress(ipAddress: isV6 ? "::1" : "127.0.0.1", port: 3000),
            tables: tables.map { Array((Self.header + $0).utf8) })
    }

    private func line(_ local: String, _ remote: String, _ state: String, _ user: Int) -> String {
        "   1: \(local) \(remote) \(state) 00000000:00000000 00:00000000 00000000 \(user)  0 1 1\n"
    }

    @Test("Case 11: is read from either table, in either spelling, for the client's side only")
    func found() throws {
        let server = line("0100007F:0BB8", "0100007F:9C40", "01", 7)
        let client = line("0100007F:9C40", "0100007F:0BB8", "01", 1234)
        #expect(try owner("127.0.0.1", server + client, "") == .user(1234))
        let mapped = line(
            "0000000000000000FFFF00000100007F:9C40", "0000000000000000FFFF00000100007F:0BB8", "01",
            1235)
        #expect(try owner("127.0.0.1", server, mapped) == .user(1235))
        let six = line(
            "00000000000000000000000001000000:9C40", "00000000000000000000000001000000:0BB8", "01",
            1236)
        #expect(try owner("::1", "", six) == .user(1236))
    }

    @Test("Case 11: a connection that nobody holds any more has no owner to trust")
    func gone() throws {
        // The kernel lists such connections as root's.
        let waiting = line("0100007F:9C40", "0100007F:0BB8", "06", 0)
        #expect(try owner("127.0.0.1", waiting, "") == .gone)
        #expect(try owner("127.0.0.1", "", "") == .gone)
        #expect(!PeerOwner.gone.isAcceptable)
    }

    @Test("Case 11: another user is refused; this one and root are not")
    func acceptable() {
        #expect(PeerOwner.user(geteuid()).isAcceptable)
        #expect(PeerOwner.user(0).isAcceptable)
        #expect(!PeerOwner.user(geteuid() + 4242).isAcceptable)
        #expect(PeerOwner.unknowable.isAcceptable)
    }

    @Test("Case 11: the kernel names this process's user for a real connection")
    func real() async throws {
        let signIn = try await WaitingSignIn(on: "http://localhost:0/callback")
        for address in ["127.0.0.1", "::1"] {
            let wire = try await Wire.connect(to: signIn.port, at: address)
            let owner = PeerOwner(
                of: try SocketAddress(ipAddress: address, port: wire.localPort),
                connectedTo: try SocketAddress(ipAddress: address, port: signIn.port))
            #expect(owner == .user(geteuid()))
            await wire.close()
        }
        await signIn.listener.close()
    }

    @Test(
        "Case 11: a foreign user with the right state is refused, and the person is not",
        .enabled(if: geteuid() == 0, "needs another user to connect as"))
    func foreign() async throws {
        let signIn = try await WaitingSignIn()
        let folder = try TemporaryFolder()
        let answer = try await folder.shell(
            """
            setpriv --reuid=65534 --clear-groups curl -s -w '%{http_code}' \
                'http://\(signIn.host)/callback?code=stolen&state=right'
            """)
        #expect(answer.hasSuffix("403"))
        let (page, redirect) = try await signIn.complete()
        #expect(page.hasPrefix("HTTP/1.1 200 "))
        #expect(redirect.target == "/callback?code=c&state=right")
        #expect(redirect.rejections == 1)
    }
}
