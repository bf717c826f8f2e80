import AuthModels
import HTTPTypes
import NIOCore
import NIOSSL
import Testing

@testable import Desktop

@Suite("The HTTP transport over TLS")
struct TransportTLSTests {
    private func send(
        _ certificate: String, host: String = "localhost", trusting: Bool = true,
        adjust: (inout TLSConfiguration) -> Void = { _ in }
    ) async throws -> (result: Result<HTTPAnswer, TransportError>, seen: ScriptedServer.Seen) {
        let certificates = try await Certificates.shared()
        var configuration = try certificates.server(certificate)
        adjust(&configuration)
        let server = try await ScriptedServer(tls: configuration) { _, _ in
            [.text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
        }
        let transport = AsyncHTTPTransport(
            environment: trusting ? ["SSL_CERT_FILE": certificates.rootsFile] : [:])
        let exchange = try exchange(server.port, scheme: "https", host: host)
        let result: Result<HTTPAnswer, TransportError>
        do throws(TransportError) {
            result = .success(try await transport.send(exchange))
        } catch {
            result = .failure(error)
        }
        await transport.shutdown()
        let seen = server.seen
        await server.stop()
        return (result, seen)
    }

    @Test(
        "an authority of SSL_CERT_FILE is trusted, by name and by address",
        arguments: ["localhost", "127.0.0.1"])
    func trusted(host: String) async throws {
        let (result, seen) = try await send("good", host: host)
        #expect(try result.get().response.status == .ok)
        #expect(seen.requests.count == 1)
    }

    @Test(
        "Case 113: a bad certificate is refused before a byte of the request is sent",
        arguments: [
            ("selfsigned", "localhost"), ("expired", "localhost"), ("wronghost", "localhost"),
            ("cnonly", "localhost"), ("wrongip", "127.0.0.1"), ("wrongip", "localhost"),
            ("chained", "localhost"),
        ])
    func badCertificate(name: String, host: String) async throws {
        let (result, seen) = try await send(name, host: host)
        #expect(result.isTLS, "\(name): \(result)")
        #expect(seen.bytes == 0)
        #expect(seen.requests.isEmpty)
    }

    @Test("Case 113: an unknown authority is refused")
    func untrusted() async throws {
        let (result, seen) = try await send("good", trusting: false)
        #expect(result.isTLS, "\(result)")
        #expect(seen.bytes == 0)
    }

    @Test("Case 113: a roots file that cannot be read trusts nobody")
    func unreadableRoots() async throws {
        let certificates = try await Certificates.shared()
        let server = try await ScriptedServer(tls: certificates.server("good")) { _, _ in [] }
        let transport = AsyncHTTPTransport(trust: TLSTrust(additionalRootsFile: "/nowhere.pem"))
        await #expect {
            try await transport.send(
                exchange(server.port, scheme: "https", host: "localhost"))
        } throws: { error in
            if case .tls? = error as? TransportError { true } else { false }
        }
        #expect(server.seen.bytes == 0)
        await transport.shutdown()
        await server.stop()
    }

    @Test(
        "Case 114: TLS below 1.2 is refused", arguments: [TLSVersion.tlsv1, TLSVersion.tlsv11])
    func oldVersion(version: TLSVersion) async throws {
        let (result, seen) = try await send("good") { configuration in
            configuration.minimumTLSVersion = .tlsv1
            configuration.maximumTLSVersion = version
        }
        #expect(result.isTLS, "\(result)")
        #expect(seen.bytes == 0)
    }

    @Test("Case 117: a handshake that never ends is a timeout of a request that never left")
    func silentHandshake() async throws {
        let server = try await ScriptedServer { _, _ in [] }
        let transport = AsyncHTTPTransport(trust: .system)
        await #expect(throws: TransportError.timedOut(mayHaveArrived: false)) {
            try await transport.send(
                exchange(server.port, deadline: .milliseconds(300), scheme: "https"))
        }
        await transport.shutdown()
        await server.stop()
    }

    @Test("Case 116: https goes through the proxy by CONNECT, and a refusal is told as not sent")
    func proxyRefuses() async throws {
        let proxy = try await ScriptedServer { _, _ in
            [.text("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")]
        }
        let transport = AsyncHTTPTransport(
            environment: ["HTTPS_PROXY": "http://127.0.0.1:\(proxy.port)"])
        await #expect {
            try await transport.send(
                exchange(443, scheme: "https", host: "identity.example"))
        } throws: { error in
            if case .notSent? = error as? TransportError { true } else { false }
        }
        let request = try #require(proxy.seen.requests.first)
        #expect(request.hasPrefix("CONNECT identity.example:443 HTTP/1.1\r\n"))
        #expect(!request.contains("refresh_token"))
        await transport.shutdown()
        await proxy.stop()
    }

    @Test("Case 116: loopback never goes through a proxy, nor do exceptions")
    func proxyBypass() throws {
        let settings = ProxySettings(environment: [
            "HTTPS_PROXY": "http://user:secret@proxy.example:3128",
            "NO_PROXY": "a.example, .b.example",
        ])
        func route(_ url: String) throws -> ProxySettings.Route {
            settings.route(to: try WebURL(url))
        }
        #expect(try route("https://identity.example/") == .proxy)
        #expect(try route("https://127.0.0.1:1/") == .direct)
        #expect(try route("https://localhost/") == .direct)
        #expect(try route("http://localhost/") == .direct)
        #expect(try route("https://a.example/") == .direct)
        #expect(try route("https://x.b.example/") == .direct)
        #expect(try route("https://xb.example/") == .proxy)
    }

    @Test(
        "Case 116: a proxy that cannot be understood is not gone around",
        arguments: [
            "https://proxy:1", "socks5://proxy:1", "proxy", "http://:80", "http://p:0", "p q:1",
        ])
    func proxyMisconfigured(address: String) throws {
        let settings = ProxySettings(environment: ["https_proxy": address])
        guard case .misconfigured = settings.route(to: try WebURL("https://identity.example/"))
        else {
            Issue.record("\(address) was accepted")
            return
        }
    }
}
