import AuthModels
import NIOCore
import NIOPosix
import Testing

@testable import Desktop

/// Fixed ports are shared by the whole machine, so these tests take turns.
@Suite("Binding the redirect port", .serialized)
struct RedirectBindingTests {
    private func hold(_ address: String, _ port: Int) async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(to: SocketAddress(ipAddress: address, port: port)).get()
    }

    private func fault(on uri: String) async throws -> RedirectError? {
        do throws(RedirectError) {
            let listener = try await LoopbackRedirectReceiver().listen(
                on: try RedirectURI(orRecord: uri))
            await listener.close()
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "Case 10: a fixed port that either family has in use is unavailable",
        arguments: [["127.0.0.1"], ["::1"], ["127.0.0.1", "::1"], ["0.0.0.0"], ["::"]])
    func taken(addresses: [String]) async throws {
        let port = try await Port.quiet()
        var holders: [any Channel] = []
        for address in addresses {
            holders.append(try await Port.patiently { try await hold(address, port) })
        }
        #expect(
            try await fault(on: "http://localhost:\(port)/callback") == .portUnavailable(port))
        for holder in holders { try await holder.close() }
        let signIn = try await WaitingSignIn(on: "http://localhost:\(port)/callback")
        await signIn.listener.close()
    }

    @Test("Case 10: an IP literal needs its own family only")
    func literal() async throws {
        let port = try await Port.quiet()
        let holder = try await Port.patiently { try await hold("::1", port) }
        let signIn = try await WaitingSignIn(on: "http://127.0.0.1:\(port)/callback")
        await signIn.listener.close()
        #expect(try await fault(on: "http://[::1]:\(port)/callback") == .portUnavailable(port))
        try await holder.close()
    }

    @Test("Case 10: a family that does not exist here is skipped, unless it is the only one")
    func missingFamily() async throws {
        // Documentation addresses (RFC 3849, RFC 5737) belong to no machine.
        let partly = LoopbackRedirectReceiver { _ in ["2001:db8::1", "127.0.0.1"] }
        let listener = try await partly.listen(on: RedirectURI("http://localhost:0/callback"))
        #expect((listener.redirectURI.loopback?.port ?? 0) > 0)
        await listener.close()
        let none = LoopbackRedirectReceiver { _ in ["2001:db8::1", "192.0.2.1"] }
        await #expect {
            try await none.listen(on: RedirectURI("http://localhost:0/callback"))
        } throws: { error in
            if case .noLoopback? = error as? RedirectError { true } else { false }
        }
    }

    @Test("Case 10: while it is held, nobody else can take the port in either family")
    func exclusive() async throws {
        let signIn = try await WaitingSignIn(on: "http://localhost:0/callback")
        for address in ["127.0.0.1", "::1", "0.0.0.0", "::"] {
            await #expect(throws: (any Error).self) {
                try await hold(address, signIn.port)
            }
        }
        await signIn.listener.close()
    }

    @Test("one fixed port serves one sign-in after the other, whatever its visitors did")
    func again() async throws {
        let port = try await Port.quiet()
        for round in 0..<5 {
            let signIn = try await WaitingSignIn(on: "http://localhost:\(port)/callback")
            let idle = try await Wire.connect(to: port, at: "::1")
            let stray = try await Wire.connect(to: port)
            try await stray.send("GET /favicon.ico HTTP/1.1\r\nHost: \(signIn.host)\r\n\r\n")
            let (page, _) = try await signIn.complete(at: round % 2 == 0 ? "127.0.0.1" : "::1")
            #expect(page.hasPrefix("HTTP/1.1 200 "))
            await idle.close()
        }
    }
}

extension RedirectURI {
    /// For texts that the test itself wrote.
    fileprivate init(orRecord text: String) throws(RedirectError) {
        do { self = try RedirectURI(text) } catch { throw .noLoopback("bad test URI \(text)") }
    }
}
