import AuthModels
import AuthSession
import FoundationEssentials
import HTTPTypes
import Synchronization
import Testing

@Suite("The auth service signs in")
struct AuthServiceSignInTests {
    private func request(
        _ redirects: FakeRedirects, scope: String = "user_api.full_access offline_access",
        browser: Bool = true, pasted: AsyncStream<String>? = nil,
        present: @escaping @Sendable (WebURL, BrowserUnavailable?) -> Void = { _, _ in }
    ) throws -> SignInRequest {
        SignInRequest(
            registration: try ServiceBench.registration(scope: scope), redirects: redirects,
            browser: browser ? redirects : nil, timeout: .seconds(300), present: present,
            pasted: pasted)
    }

    @Test("A sign-in goes from the browser to durable tokens, and the port is free again")
    func happyPath() async throws {
        let bench = try ServiceBench()
        let redirects = FakeRedirects()
        let record = try await bench.service.signIn(request(redirects))
        #expect(record.generation == Generation(1) && record.hasRefreshToken)
        #expect(await bench.refreshToken() == "rt-1")
        #expect(try await bench.service.accessToken().access.reveal() == "at-1")
        let form = try #require(bench.provider.exchanges.first)
        #expect(bench.provider.exchanges.count == 1)
        #expect(form["grant_type"] == "authorization_code" && form["code"] == "c-1")
        #expect(form["redirect_uri"] == "http://localhost:3000/callback")
        #expect(form["client_id"] == "client" && form["code_verifier"]?.utf8.count == 43)
        #expect(redirects.listener?.outcomes == [.signedIn])
        #expect(redirects.listener?.isClosed == true)
        #expect(await bench.state()?.name == .signedIn)
    }

    @Test("Case 12: the browser is told of success only once the tokens are durable")
    func durableFirst() async throws {
        let bench = try ServiceBench()
        let store = bench.store
        let tokensAtFinish = Mutex<[String?]>([])
        let redirects = FakeRedirects { _ in
            let token = await store.tokens()?.refresh?.reveal()
            tokensAtFinish.withLock { $0.append(token) }
        }
        _ = try await bench.service.signIn(request(redirects))
        #expect(tokensAtFinish.withLock { $0 } == ["rt-1"])
    }

    @Test("Case 12: tokens that cannot be kept are a failure, told to the browser as that")
    func notDurable() async throws {
        let bench = try ServiceBench()
        await bench.store.fail(.signIn, .unavailable(.full))
        let redirects = FakeRedirects()
        await #expect(throws: AuthError.store(.unavailable(.full))) {
            try await bench.service.signIn(request(redirects))
        }
        #expect(redirects.listener?.outcomes == [.failed])
        #expect(redirects.listener?.isClosed == true)
    }

    @Test("Case 13: a person who never returns is callbackTimeout, and the port is free")
    func timeout() async throws {
        let bench = try ServiceBench()
        let redirects = FakeRedirects(.neverReturns)
        let signIn = Task { try await bench.service.signIn(request(redirects)) }
        try await eventually("the time runs") { bench.clock.sleeperCount == 1 }
        bench.clock.advance(by: .seconds(299))
        #expect(await bench.state()?.name == .signingIn)
        bench.clock.advance(by: .seconds(1))
        await #expect(throws: AuthError.callbackTimeout) { try await signIn.value }
        #expect(bench.provider.exchanges.isEmpty)
        #expect(redirects.listener?.isClosed == true)
        #expect(await bench.state() == .signedOut)
        #expect(bench.clock.sleeperCount == 0)
    }

    @Test("Case 13: cancelling ends the sign-in, frees the port and leaves nothing waiting")
    func cancelled() async throws {
        let bench = try ServiceBench()
        let redirects = FakeRedirects(.neverReturns)
        let signIn = Task { try await bench.service.signIn(request(redirects)) }
        try await eventually("the time runs") { bench.clock.sleeperCount == 1 }
        signIn.cancel()
        await #expect(throws: AuthError.cancelled) { try await signIn.value }
        try await eventually("the port is free") { redirects.listener?.isClosed == true }
        try await eventually("nothing sleeps") { bench.clock.sleeperCount == 0 }
        #expect(bench.provider.exchanges.isEmpty)
        #expect(await bench.state() == .signedOut)
    }

    @Test(
        "Case 32: a code whose answer is lost is not sent again",
        arguments: [
            RotatingProvider.Behaviour.rotateAndLose, .loseRequest,
            .fail(.timedOut(mayHaveArrived: true)),
        ])
    func codeLost(_ behaviour: RotatingProvider.Behaviour) async throws {
        let bench = try ServiceBench()
        bench.provider.next(behaviour)
        let redirects = FakeRedirects()
        do {
            _ = try await bench.service.signIn(request(redirects))
            Issue.record("nothing was thrown")
        } catch AuthError.codeExchangeLost {}
        #expect(bench.provider.exchanges.count == 1)
        #expect(try await bench.store.record(of: .default) == nil)
        #expect(redirects.listener?.outcomes == [.failed])
    }

    @Test("Case 33: an ID token that is missing though openid was asked for is refused")
    func noIDToken() async throws {
        let bench = try ServiceBench()
        let redirects = FakeRedirects()
        do {
            _ = try await bench.service.signIn(request(redirects, scope: "openid offline_access"))
            Issue.record("nothing was thrown")
        } catch AuthError.tokenResponseInvalid {}
        #expect(try await bench.store.record(of: .default) == nil)
        #expect(redirects.listener?.outcomes == [.failed])
    }

    @Test("Case 33: a missing refresh token is a session that ends with its access token")
    func noRefreshToken() async throws {
        let bench = try ServiceBench()
        bench.provider.next(
            .answer(
                .status(200, #"{"access_token":"at-1","token_type":"Bearer","expires_in":60}"#)))
        let record = try await bench.service.signIn(request(FakeRedirects()))
        #expect(!record.hasRefreshToken)
        bench.clock.advance(by: .seconds(60))
        await #expect(throws: AuthError.loginRequired(.ended(.expired))) {
            try await bench.service.accessToken()
        }
        #expect(bench.provider.refreshes.isEmpty)
    }

    @Test(
        "Case 31: a token endpoint that redirects is refused, and asked once",
        arguments: [
            301, 302, 303, 307, 308,
        ])
    func redirected(_ status: Int) async throws {
        let bench = try ServiceBench()
        bench.provider.next(
            .answer(.status(status, headers: [.location: "https://evil.example/"])))
        do {
            _ = try await bench.service.signIn(request(FakeRedirects()))
            Issue.record("nothing was thrown")
        } catch AuthError.tokenResponseInvalid {}
        #expect(bench.provider.exchanges.count == 1)
    }

    @Test("Case 4: requests with a wrong state are passed over until the right one comes")
    func wrongState() async throws {
        let bench = try ServiceBench()
        let stray = (0..<1000).map { "/callback?code=evil&state=wrong-\($0)" }
        let redirects = FakeRedirects(.returns(stray + ["/callback?code=c-1&state=STATE"]))
        _ = try await bench.service.signIn(request(redirects))
        #expect(bench.provider.exchanges.map { $0["code"] } == ["c-1"])
    }

    @Test("Case 5: an error counts with the right state only")
    func denied() async throws {
        let bench = try ServiceBench()
        let redirects = FakeRedirects(
            .returns([
                "/callback?error=server_error&state=wrong",
                "/callback?error=access_denied&state=STATE",
            ]))
        await #expect(throws: AuthError.authorizationDenied(code: "access_denied")) {
            try await bench.service.signIn(request(redirects))
        }
        #expect(redirects.listener?.outcomes == [.denied])
        #expect(bench.provider.exchanges.isEmpty)
    }

    @Test("Case 10: a port that is taken is told before a browser is opened")
    func portTaken() async throws {
        let bench = try ServiceBench()
        let redirects = FakeRedirects()
        redirects.failListening(.portUnavailable(3000))
        await #expect(throws: AuthError.portUnavailable(3000)) {
            try await bench.service.signIn(request(redirects))
        }
        #expect(redirects.opened.isEmpty)
    }

    @Test("Case 87: a store that could not keep the tokens is told before anything else happens")
    func nothingToKeepIn() async throws {
        let bench = try ServiceBench()
        await bench.store.fail(.prepareForSignIn, .key(.unavailable("no bus")))
        let redirects = FakeRedirects()
        await #expect(throws: AuthError.store(.key(.unavailable("no bus")))) {
            try await bench.service.signIn(request(redirects))
        }
        #expect(bench.provider.requestCount == 0)
        #expect(redirects.listener == nil && redirects.opened.isEmpty)
    }

    @Test("Case 105: without a browser the person is shown the URL, and told why")
    func noBrowser() async throws {
        let bench = try ServiceBench()
        let shown = Mutex<[Bool]>([])
        let redirects = FakeRedirects(.noBrowser)
        let signIn = Task {
            try await bench.service.signIn(
                request(redirects) { url, failure in
                    shown.withLock { $0.append(failure != nil) }
                    if failure != nil {
                        let state = FakeRedirects.parameter("state", of: url)
                        redirects.listener?.arrive("/callback?code=c-1&state=\(state)")
                    }
                })
        }
        _ = try await signIn.value
        #expect(shown.withLock { $0 } == [false, true])
    }

    @Test("A pasted URL signs in; lines that do not belong to this sign-in are passed over")
    func pasted() async throws {
        let bench = try ServiceBench()
        let (lines, typing) = AsyncStream.makeStream(of: String.self)
        let redirects = FakeRedirects(.neverReturns)
        let record = try await bench.service.signIn(
            request(redirects, browser: false, pasted: lines) { url, _ in
                let state = FakeRedirects.parameter("state", of: url)
                typing.yield("what do I do now?")
                typing.yield("http://localhost:3000/callback?code=evil&state=wrong")
                typing.yield(" http://localhost:3000/callback?code=c-2&state=\(state) ")
            })
        #expect(record.hasRefreshToken)
        #expect(bench.provider.exchanges.map { $0["code"] } == ["c-2"])
        #expect(redirects.opened.isEmpty && redirects.listener?.isClosed == true)
    }

    @Test("A second sign-in while one is under way is busy and disturbs nothing")
    func second() async throws {
        let bench = try ServiceBench()
        let redirects = FakeRedirects(.neverReturns)
        let first = Task { try await bench.service.signIn(request(redirects)) }
        try await eventually("the time runs") { bench.clock.sleeperCount == 1 }
        do {
            _ = try await bench.service.signIn(request(FakeRedirects()))
            Issue.record("nothing was thrown")
        } catch AuthError.busy {}
        let url = try #require(redirects.opened.first)
        let state = FakeRedirects.parameter("state", of: url)
        redirects.listener?.arrive("/callback?code=c-1&state=\(state)")
        #expect(try await first.value.hasRefreshToken)
    }

    @Test("A sign-out ends a sign-in under way")
    func signOutMeanwhile() async throws {
        let bench = try ServiceBench()
        let redirects = FakeRedirects(.neverReturns)
        let signIn = Task { try await bench.service.signIn(request(redirects)) }
        try await eventually("the time runs") { bench.clock.sleeperCount == 1 }
        try await bench.service.signOut()
        await #expect(throws: AuthError.cancelled) { try await signIn.value }
        try await eventually("the port is free") { redirects.listener?.isClosed == true }
        #expect(await bench.state() == .signedOut)
    }

    @Test("A sign-in that fails keeps the session that was there; one that works revokes it")
    func replaces() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn(refresh: "rt-old")
        let denied = FakeRedirects(.returns(["/callback?error=access_denied&state=STATE"]))
        await #expect(throws: AuthError.authorizationDenied(code: "access_denied")) {
            try await bench.service.signIn(request(denied))
        }
        #expect(await bench.refreshToken() == "rt-old")
        let record = try await bench.service.signIn(request(FakeRedirects()))
        #expect(record.generation == Generation(2))
        try await eventually("the old one is revoked") { bench.provider.revoked == ["rt-old"] }
    }
}
