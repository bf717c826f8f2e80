import AuthModels
import Foundation
import Testing

@testable import Desktop

/// A sign-in that waits for the state `right`.
struct WaitingSignIn {
    let listener: any RedirectListener
    let received: Task<Result<ReceivedRedirect, RedirectError>, Never>

    var port: Int { listener.redirectURI.loopback?.port ?? 0 }
    var host: String {
        "\(listener.redirectURI.loopback?.host.rawValue ?? ""):\(port)"
    }

    init(on uri: String = "http://127.0.0.1:0/callback", waiting: Bool = true) async throws {
        let uri = try RedirectURI(uri)
        let listener = try await Port.patiently {
            try await LoopbackRedirectReceiver().listen(on: uri)
        }
        self.listener = listener
        received = Task {
            guard waiting else { return .failure(.closed) }
            return await Self.receive(listener)
        }
    }

    static func receive(
        _ listener: any RedirectListener
    ) async -> Result<ReceivedRedirect, RedirectError> {
        do throws(RedirectError) {
            return .success(
                try await listener.receive { target in
                    target.hasSuffix("state=right") ? .accepted : .rejected
                })
        } catch {
            return .failure(error)
        }
    }

    func get(_ target: String, at address: String = "127.0.0.1") async throws -> String {
        try await Wire.exchange(
            "GET \(target) HTTP/1.1\r\nHost: \(host)\r\n\r\n", to: port, at: address)
    }

    /// The browser's own request, the outcome and the end; gives what the browser saw.
    func complete(
        _ outcome: SignInOutcome = .signedIn, at address: String = "127.0.0.1"
    ) async throws -> (page: String, redirect: ReceivedRedirect) {
        async let page = get("/callback?code=c&state=right", at: address)
        let redirect = try await received.value.get()
        await listener.finish(outcome)
        let seen = try await page
        await listener.close()
        return (seen, redirect)
    }
}

extension Result where Success == ReceivedRedirect, Failure == RedirectError {
    var fault: RedirectError? { if case .failure(let error) = self { error } else { nil } }
}

@Suite("The redirect listener")
struct RedirectListenerTests {
    @Test("Case 1: idle preconnects do not hold the sign-in up, and are closed at its end")
    func preconnects() async throws {
        let signIn = try await WaitingSignIn()
        var idle: [Wire] = []
        for _ in 0..<6 { idle.append(try await Wire.connect(to: signIn.port)) }
        let (page, redirect) = try await signIn.complete()
        #expect(page.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(redirect.target == "/callback?code=c&state=right")
        #expect(redirect.rejections == 0)
        for wire in idle { #expect(await wire.answer().isEmpty) }
    }

    @Test("Case 2: Case 3: stray requests and other methods are answered and change nothing")
    func strays() async throws {
        let signIn = try await WaitingSignIn()
        for (request, status) in [
            ("GET /favicon.ico", "404"), ("GET /", "404"), ("HEAD /wrong", "404"),
            ("OPTIONS /callback?code=c&state=right", "405"),
            ("POST /callback?code=c&state=right", "405"),
            ("HEAD /callback?code=c&state=right", "405"),
        ] {
            let answer = try await Wire.exchange(
                "\(request) HTTP/1.1\r\nHost: \(signIn.host)\r\n\r\n", to: signIn.port)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(request): \(answer.prefix(40))")
            #expect(answer.contains("\r\nConnection: close\r\n"))
            if request.hasPrefix("HEAD") { #expect(answer.hasSuffix("\r\n\r\n")) }
        }
        #expect(try await signIn.complete().redirect.rejections == 3)
    }

    @Test("Case 4: Case 5: a thousand wrong states are refused and counted, the right one is taken")
    func wrongStates() async throws {
        let signIn = try await WaitingSignIn()
        for query in ["error=access_denied", "error=access_denied&state=wrong", "", "state=RIGHT"] {
            let answer = try await signIn.get("/callback?\(query)")
            #expect(answer.hasPrefix("HTTP/1.1 400 "))
            #expect(!answer.contains("denied"))
        }
        for _ in 0..<62 {
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<16 {
                    group.addTask { try await signIn.get("/callback?code=x&state=wrong") }
                }
                for try await answer in group { #expect(answer.hasPrefix("HTTP/1.1 400 ")) }
            }
        }
        for _ in 0..<4 { _ = try await signIn.get("/callback?code=x&state=wrong") }
        let (page, redirect) = try await signIn.complete()
        #expect(page.contains("You are signed in"))
        #expect(redirect.rejections == 1000)
    }

    @Test("Case 5: an error with the right state is handed on")
    func denied() async throws {
        let signIn = try await WaitingSignIn()
        async let page = signIn.get("/callback?error=access_denied&state=right")
        #expect(
            try await signIn.received.value.get().target
                == "/callback?error=access_denied&state=right")
        await signIn.listener.finish(.denied)
        #expect(try await page.contains("Access was not granted"))
        await signIn.listener.close()
    }

    @Test("Case 6: of two identical callbacks one is taken, the other is told so, as is a reload")
    func twice() async throws {
        let signIn = try await WaitingSignIn()
        let target = "/callback?code=c&state=right"
        async let one = signIn.get(target)
        async let two = signIn.get(target)
        _ = try await signIn.received.value.get()
        let reload = try await signIn.get(target)
        #expect(reload.hasPrefix("HTTP/1.1 410 "))
        #expect(reload.contains("already been used"))
        await signIn.listener.finish(.signedIn)
        let pages = try await [one, two]
        #expect(pages.filter { $0.contains("You are signed in") }.count == 1)
        #expect(pages.filter { $0.contains("already been used") }.count == 1)
        let other = try await signIn.get("/callback?code=other&state=right")
        #expect(other.hasPrefix("HTTP/1.1 400 "))
        await signIn.listener.close()
    }

    @Test("Case 7: a foreign or missing Host, or an absolute target, is refused")
    func rebinding() async throws {
        let signIn = try await WaitingSignIn()
        let port = signIn.port
        for (head, status) in [
            ("GET /callback?state=right HTTP/1.1\r\nHost: attacker.example:\(port)", "421"),
            ("GET /callback?state=right HTTP/1.1\r\nHost: localhost:\(port)", "421"),
            ("GET /callback?state=right HTTP/1.1", "400"),
            (
                "GET /callback?state=right HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n"
                    + "Host: 127.0.0.1:\(port)", "400"
            ),
            (
                "GET http://127.0.0.1:\(port)/callback?state=right HTTP/1.1\r\n"
                    + "Host: 127.0.0.1:\(port)", "400"
            ),
        ] {
            let answer = try await Wire.exchange(head + "\r\n\r\n", to: port)
            #expect(answer.hasPrefix("HTTP/1.1 \(status) "), "\(head): \(answer.prefix(40))")
        }
        #expect(try await signIn.complete().page.hasPrefix("HTTP/1.1 200 "))
    }

    @Test("Case 8: only loopback addresses listen, and for localhost both families do")
    func addresses() async throws {
        let signIn = try await WaitingSignIn(on: "http://localhost:0/callback")
        let folder = try TemporaryFolder()
        let listening = try await folder.shell("ss -Hltn 'sport = :\(signIn.port)'")
            .split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst(3).first }
        #expect(Set(listening) == ["127.0.0.1:\(signIn.port)", "[::1]:\(signIn.port)"])
        #expect(try await signIn.complete(at: "::1").page.hasPrefix("HTTP/1.1 200 "))
    }

    @Test("Case 12: the page says success only after the outcome, echoes nothing and is closed in")
    func page() async throws {
        for (outcome, title) in [
            (SignInOutcome.signedIn, "You are signed in"), (.denied, "Access was not granted"),
            (.failed, "Signing in did not work"),
        ] {
            let signIn = try await WaitingSignIn()
            let wire = try await Wire.connect(to: signIn.port)
            try await wire.send(
                """
                GET /callback?error_description=%3Cscript%3Ecanary%22&x=canary&state=right \
                HTTP/1.1\r\nHost: \(signIn.host)\r\nCookie: canary\r\n\r\n
                """)
            _ = try await signIn.received.value.get()
            async let answer = wire.answer()
            await signIn.listener.finish(outcome)
            let page = await answer
            #expect(page.contains("<title>\(title)</title>"))
            #expect(!page.contains("canary"))
            #expect(!page.contains("<script"))
            for field in [
                "Cache-Control: no-store", "Referrer-Policy: no-referrer",
                "X-Content-Type-Options: nosniff", "Connection: close",
            ] {
                #expect(page.contains("\r\n\(field)\r\n"))
            }
            await signIn.listener.close()
        }
    }

    @Test("Case 12: the policy allows the page's own style and nothing else")
    func policy() async throws {
        let folder = try TemporaryFolder()
        let bytes = RedirectPage.signedIn.answer()
        let page = String(decoding: bytes, as: UTF8.self)
        let style = try #require(
            page.components(separatedBy: "<style>").last?
                .components(separatedBy: "</style>").first)
        try style.write(toFile: folder.path + "/style", atomically: true, encoding: .utf8)
        let digest = try await folder.shell(
            "openssl dgst -sha256 -binary style | openssl base64 -A")
        #expect(
            page.contains(
                "\r\nContent-Security-Policy: default-src 'none'; style-src 'sha256-\(digest)'; "))
        #expect(!page.contains(" style="))
    }

    @Test("Case 13: a sign-in that is called off leaves the port free")
    func calledOff() async throws {
        let port = try await Port.quiet()
        let signIn = try await WaitingSignIn(on: "http://localhost:\(port)/callback")
        let idle = try await Wire.connect(to: signIn.port)
        signIn.received.cancel()
        #expect(await signIn.received.value.fault == .cancelled)
        await signIn.listener.close()
        await signIn.listener.close()
        #expect(await idle.answer().isEmpty)
        let again = try await WaitingSignIn(on: "http://localhost:\(signIn.port)/callback")
        #expect(try await again.complete().page.hasPrefix("HTTP/1.1 200 "))
    }

    @Test("Case 13: closing while somebody waits ends the wait, and later waits too")
    func closedWhileWaiting() async throws {
        let signIn = try await WaitingSignIn()
        await signIn.listener.close()
        #expect(await signIn.received.value.fault == .closed)
        #expect(await WaitingSignIn.receive(signIn.listener).fault == .closed)
        await signIn.listener.finish(.failed)
    }

    @Test("Case 13: no thread and no descriptor outlives a sign-in")
    func nothingLeft() async throws {
        await #expect(processExitsWith: .success) {
            func count(_ folder: String) throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/\(folder)").count
            }
            // The client's own threads and the runtime's are up after a first round.
            for _ in 0..<2 { _ = try await WaitingSignIn().complete() }
            let before = (try count("fd"), try count("task"))
            for _ in 0..<5 { _ = try await WaitingSignIn().complete() }
            for _ in 0..<5 {
                let calledOff = try await WaitingSignIn(on: "http://localhost:0/callback")
                _ = try await Wire.connect(to: calledOff.port)
                calledOff.received.cancel()
                _ = await calledOff.received.value
                await calledOff.listener.close()
            }
            try await Task.sleep(for: .milliseconds(100))
            let after = (try count("fd"), try count("task"))
            // The runtime's pool may grow by a thread per core meanwhile; a leak would be ten.
            try #require(after.0 <= before.0 + 2)
            try #require(after.1 <= before.1 + 4)
        }
    }

    @Test("Case 14: a request cut into single bytes is taken, and a second one behind it ignored")
    func bytewise() async throws {
        let signIn = try await WaitingSignIn()
        let wire = try await Wire.connect(to: signIn.port)
        let first = "GET /callback?code=c&state=right HTTP/1.1\r\nHost: \(signIn.host)\r\n\r\n"
        for byte in first.utf8 { try await wire.send([byte]) }
        try await wire.send("GET /callback?code=d&state=right HTTP/1.1\r\n\r\n")
        let redirect = try await signIn.received.value.get()
        #expect(redirect.target == "/callback?code=c&state=right")
        async let page = wire.answer()
        await signIn.listener.finish(.signedIn)
        #expect(await page.components(separatedBy: "HTTP/1.1 200").count == 2)
        await signIn.listener.close()
    }

    @Test("Case 14: bare line feeds, folding, NUL and a chunked body are 400 and consume nothing")
    func malformed() async throws {
        let signIn = try await WaitingSignIn()
        let host = signIn.host
        for request in [
            "GET /callback?state=right HTTP/1.1\nHost: \(host)\n\n",
            "GET /callback?state=right HTTP/1.1\r\nHost: \(host)\r\nA: b\r\n c\r\n\r\n",
            "GET /callback?\0state=right HTTP/1.1\r\nHost: \(host)\r\n\r\n",
            "GET /callback?state=right HTTP/1.1\r\nHost: \(host)\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ] {
            let answer = try await Wire.exchange(request, to: signIn.port)
            #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(request.debugDescription)")
        }
        #expect(try await signIn.complete().page.hasPrefix("HTTP/1.1 200 "))
    }

    @Test("a redirect that is faster than the sign-in is kept for it")
    func early() async throws {
        let signIn = try await WaitingSignIn(waiting: false)
        async let page = signIn.get("/callback?code=c&state=right")
        async let stray = signIn.get("/callback?code=c&state=wrong")
        try await Task.sleep(for: .milliseconds(50))
        let redirect = try await WaitingSignIn.receive(signIn.listener).get()
        #expect(redirect.target == "/callback?code=c&state=right")
        await signIn.listener.finish(.signedIn)
        #expect(try await page.hasPrefix("HTTP/1.1 200 "))
        #expect(try await stray.hasPrefix("HTTP/1.1 400 "))
        await signIn.listener.close()
    }

    @Test("Case 119: long lines, slow senders and a flood do not keep the browser out")
    func flood() async throws {
        let signIn = try await WaitingSignIn()
        let long = try await Wire.exchange(
            "GET /" + String(repeating: "a", count: 9000), to: signIn.port)
        #expect(long.hasPrefix("HTTP/1.1 414 "))
        let field = "A: " + String(repeating: "b", count: 900) + "\r\n"
        let large = try await Wire.exchange(
            "GET / HTTP/1.1\r\n" + String(repeating: field, count: 20), to: signIn.port)
        #expect(large.hasPrefix("HTTP/1.1 431 "))
        var slow: [Wire] = []
        for _ in 0..<200 {
            let wire = try await Wire.connect(to: signIn.port)
            try? await wire.send("G")
            slow.append(wire)
        }
        let (page, _) = try await signIn.complete()
        #expect(page.hasPrefix("HTTP/1.1 200 "))
        for wire in slow { #expect(await wire.answer().isEmpty) }
    }
}
