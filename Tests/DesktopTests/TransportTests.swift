import AuthModels
import HTTPTypes
import InMemoryTracing
import NIOCore
import Testing
import Tracing

@testable import Desktop

func exchange(
    _ port: Int, _ path: String = "/token", method: HTTPRequest.Method = .post,
    body: String = "grant_type=refresh_token&refresh_token=a%2Bb",
    deadline: Duration = .seconds(20), bytesMax: Int = HTTPExchange.responseBytesMaxDefault,
    scheme: String = "http", host: String = "127.0.0.1"
) throws -> HTTPExchange {
    HTTPExchange(
        method, try WebURL("\(scheme)://\(host):\(port)\(path)"),
        headers: [.contentType: "application/x-www-form-urlencoded"], body: Array(body.utf8),
        deadline: deadline, responseBytesMax: bytesMax)
}

/// Sends once to a server that answers so, and gives what came of it.
func outcome(
    of answer: [ScriptedServer.Step], deadline: Duration = .seconds(20),
    bytesMax: Int = HTTPExchange.responseBytesMaxDefault
) async throws -> (result: Result<HTTPAnswer, TransportError>, seen: ScriptedServer.Seen) {
    let server = try await ScriptedServer { _, _ in answer }
    let transport = AsyncHTTPTransport(trust: .system)
    let exchange = try exchange(server.port, deadline: deadline, bytesMax: bytesMax)
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

extension Result where Success == HTTPAnswer, Failure == TransportError {
    var fault: TransportError? { if case .failure(let error) = self { error } else { nil } }

    var isAnswerLost: Bool { if case .answerLost = fault { true } else { false } }
    var isMalformed: Bool { if case .malformed = fault { true } else { false } }
    var isNotSent: Bool { if case .notSent = fault { true } else { false } }
    var isTLS: Bool { if case .tls = fault { true } else { false } }
}

@Suite("The HTTP transport")
struct TransportTests {
    @Test("sends method, target, fields and body exactly and returns the whole answer")
    func roundTrip() async throws {
        let server = try await ScriptedServer { _, _ in
            [.text("HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-A: b\r\n\r\nok")]
        }
        let transport = AsyncHTTPTransport(trust: .system)
        let answer = try await transport.send(
            exchange(server.port, "/connect//token;a=%2F?x=1+2&y=%20", body: "a=b"))
        #expect(answer.response.status.code == 201)
        #expect(answer.body == Array("ok".utf8))
        #expect(answer.response.headerFields[HTTPField.Name("X-A") ?? .date] == "b")
        let request = try #require(server.seen.requests.first)
        #expect(request.hasPrefix("POST /connect//token;a=%2F?x=1+2&y=%20 HTTP/1.1\r\n"))
        #expect(request.hasSuffix("\r\n\r\na=b"))
        #expect(!request.lowercased().contains("cookie"))
        await transport.shutdown()
        await server.stop()
    }

    @Test("traces nothing of its own, whatever the process has bootstrapped")
    func noTraceOfItsOwn() async throws {
        let tracer = InMemoryTracer()
        let server = try await ScriptedServer { _, _ in
            [.text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")]
        }
        let transport = AsyncHTTPTransport(trust: .system)
        try await withTracer(tracer) {
            _ = try await transport.send(exchange(server.port, "/token?secret=canary"))
        }
        await transport.shutdown()
        #expect(server.seen.requests.first?.contains("in-memory") == false)
        #expect(tracer.finishedSpans.isEmpty && tracer.activeSpans.isEmpty)
        await server.stop()
    }

    @Test("keeps a connection for the next request")
    func pool() async throws {
        let server = try await ScriptedServer { _, _ in
            [.text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
        }
        let transport = AsyncHTTPTransport(trust: .system)
        for _ in 0..<3 { _ = try await transport.send(exchange(server.port)) }
        #expect(server.seen.connections == 1)
        #expect(server.seen.requests.count == 3)
        await transport.shutdown()
        await server.stop()
    }

    @Test("reaches localhost where only one address family listens")
    func localhost() async throws {
        let server = try await ScriptedServer { _, _ in
            [.text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
        }
        let transport = AsyncHTTPTransport(trust: .system)
        let answer = try await transport.send(exchange(server.port, host: "localhost"))
        #expect(answer.response.status == .ok)
        await transport.shutdown()
        await server.stop()
    }

    @Test(
        "Case 31: Case 83: a redirect is handed back and its target sees nothing",
        arguments: [301, 302, 303, 307, 308])
    func redirects(status: Int) async throws {
        let other = try await ScriptedServer { _, _ in
            [.text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
        }
        let port = other.port
        let server = try await ScriptedServer { _, request in
            let target =
                request.contains(" /same ") ? "/elsewhere" : "http://127.0.0.1:\(port)/stolen"
            return [
                .text(
                    """
                    HTTP/1.1 \(status) Moved\r\nLocation: \(target)\r\n\
                    Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n
                    """)
            ]
        }
        let transport = AsyncHTTPTransport(trust: .system)
        let away = try await transport.send(exchange(server.port))
        #expect(away.response.status.code == status)
        let near = try await transport.send(exchange(server.port, "/same", method: .get, body: ""))
        #expect(near.response.status.code == status)
        #expect(server.seen.requests.count == 2)
        #expect(server.seen.requests.allSatisfy { !$0.lowercased().contains("cookie") })
        #expect(other.seen.connections == 0)
        await transport.shutdown()
        await server.stop()
        await other.stop()
    }

    @Test(
        "Case 32: a request that was read and not answered is lost, and never sent twice",
        arguments: [false, true])
    func neverTwice(reset: Bool) async throws {
        let (result, seen) = try await outcome(of: [reset ? .reset : .close])
        #expect(result.isAnswerLost, "\(result)")
        #expect(seen.requests.count == 1)
    }

    @Test(
        "Case 32: nor is it sent twice when the peer drops a connection that was kept alive",
        arguments: [false, true])
    func neverTwiceOnPooled(reset: Bool) async throws {
        let server = try await ScriptedServer { before, _ in
            before == 0
                ? [.text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
                : [reset ? .reset : .close]
        }
        let transport = AsyncHTTPTransport(trust: .system)
        _ = try await transport.send(exchange(server.port))
        await #expect {
            try await transport.send(exchange(server.port))
        } throws: { error in
            if case .answerLost? = error as? TransportError { true } else { false }
        }
        #expect(server.seen.requests.count == 2)
        #expect(server.seen.connections == 1)
        await transport.shutdown()
        await server.stop()
    }

    @Test("Case 63: a refused connection is known not to have been sent")
    func refused() async throws {
        let deaf = try await DeafPort()
        let transport = AsyncHTTPTransport(trust: .system)
        for host in ["127.0.0.1", "localhost"] {
            await #expect {
                try await transport.send(exchange(deaf.number, host: host))
            } throws: { error in
                if case .notSent? = error as? TransportError { true } else { false }
            }
        }
        withExtendedLifetime(deaf) {}
        await transport.shutdown()
    }

    @Test("Case 63: a name that cannot be looked up is known not to have been sent")
    func noName() async throws {
        let transport = AsyncHTTPTransport(trust: .system)
        let host = String(repeating: "a", count: 64) + ".example"
        await #expect {
            try await transport.send(exchange(443, scheme: "https", host: host))
        } throws: { error in
            if case .notSent? = error as? TransportError { true } else { false }
        }
        await transport.shutdown()
    }

    @Test("Case 115: cleartext to anything but loopback is refused before a lookup")
    func cleartext() async throws {
        let transport = AsyncHTTPTransport(trust: .system)
        let request = HTTPRequest(
            method: .get, scheme: "http", authority: "identity.example", path: "/")
        await #expect {
            try await transport.send(HTTPExchange(request))
        } throws: { error in
            if case .notSent? = error as? TransportError { true } else { false }
        }
        #expect(transport.isIdle)
        await transport.shutdown()
    }

    @Test("builds nothing before the first request, and refuses after its end")
    func lazy() async throws {
        let transport = AsyncHTTPTransport(environment: ["SSL_CERT_FILE": "/nowhere"])
        #expect(transport.isIdle)
        await transport.shutdown()
        await #expect(throws: TransportError.notSent("the transport has been shut down")) {
            try await transport.send(exchange(1))
        }
        await transport.shutdown()
    }

    @Test("goes without being shut down")
    func forgotten() async throws {
        let server = try await ScriptedServer { _, _ in
            [.text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
        }
        func once() async throws -> Int {
            try await AsyncHTTPTransport(trust: .system).send(exchange(server.port))
                .response.status.code
        }
        #expect(try await once() == 200)
        await server.stop()
    }

    @Test("a cancelled task gets its cancellation at once, and the connection is closed")
    func cancelled() async throws {
        let server = try await ScriptedServer { _, _ in [] }
        let transport = AsyncHTTPTransport(trust: .system)
        let exchange = try exchange(server.port, deadline: .seconds(300))
        let task = Task { () -> TransportError? in
            do throws(TransportError) {
                _ = try await transport.send(exchange)
                return nil
            } catch {
                return error
            }
        }
        while server.seen.requests.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        task.cancel()
        #expect(await task.value == .cancelled)
        await transport.shutdown()
        await server.stop()
    }
}
