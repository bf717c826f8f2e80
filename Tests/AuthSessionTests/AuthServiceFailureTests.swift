import AuthModels
import AuthSession
import FoundationEssentials
import HTTPTypes
import Testing

@Suite("The auth service when a refresh fails")
struct AuthServiceFailureTests {
    /// Everything that says nothing about the refresh token.
    static let outages: [RotatingProvider.Behaviour] = [
        .fail(.notSent("no such host")), .fail(.notSent("connection refused")),
        .fail(.tls("certificate has expired")), .fail(.timedOut(mayHaveArrived: false)),
        .fail(.timedOut(mayHaveArrived: true)), .fail(.malformed("no status line")),
        .fail(.responseTooLarge), .loseRequest, .answer(.status(408)), .answer(.status(429)),
        .answer(.status(500)), .answer(.status(502)), .answer(.status(503)),
        .answer(.status(503, headers: [.retryAfter: "120"])),
        .answer(.status(500, #"{"error":"invalid_grant"}"#)),
        .answer(.status(200, "<html>Welcome to the airport</html>")), .answer(.status(200)),
        .answer(.status(302, headers: [.location: "https://portal.example/"])),
        .answer(.status(404, "<html>")),
    ]

    @Test(
        "Case 63: an outage keeps the refresh token, and the next refresh works",
        arguments: outages)
    func outage(_ outage: RotatingProvider.Behaviour) async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        bench.provider.always(outage)
        do {
            _ = try await bench.service.accessToken()
            Issue.record("nothing was thrown")
        } catch {
            let kinds = ["transient", "busy", "tlsFailure"]
            #expect(kinds.contains(error.kind), "\(error)")
        }
        #expect(await bench.refreshToken() == "rt-1")
        #expect(try await bench.record().phase == .active)
        #expect((1...2).contains(bench.provider.refreshes.count))
        #expect(!bench.locks.isHeld())

        bench.provider.always(.rotate)
        bench.clock.advance(by: .seconds(300))
        #expect(try await bench.service.accessToken().access.reveal() == "at-2")
        #expect(await bench.refreshToken() == "rt-2")
    }

    @Test(
        "Case 63: a token that is still valid is served when an early refresh fails",
        arguments: outages)
    func stillValid(_ outage: RotatingProvider.Behaviour) async throws {
        let bench = try ServiceBench()
        try await bench.signedIn()
        bench.clock.advance(by: .seconds(3580))
        bench.provider.always(outage)
        #expect(try await bench.service.accessToken().access.reveal() == "at-1")
        #expect(await bench.refreshToken() == "rt-1")
        let sent = bench.provider.refreshes.count
        #expect((1...2).contains(sent))
        for _ in 0..<10 { _ = try await bench.service.accessToken() }
        #expect(bench.provider.refreshes.count == sent, "a failing refresh does not loop")
    }

    @Test("Case 36: Retry-After is told to the caller, and not slept through")
    func retryAfter() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        bench.provider.next(.answer(.status(429, headers: [.retryAfter: "120"])))
        await #expect(throws: AuthError.self) { try await bench.service.accessToken() }
        let error = await #expect(throws: AuthError.self) {
            try await bench.service.accessToken()
        }
        guard case .busy(_, let wait) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        let seconds = wait?.inSeconds ?? 0
        #expect((100...120).contains(seconds))
        #expect(bench.provider.refreshes == ["rt-1"])
        #expect(bench.clock.sleeps.isEmpty)
    }

    @Test("Case 61: invalid_grant for a generation that is old already ends nothing")
    func invalidGrantOfOldGeneration() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        let store = bench.store
        let clock = bench.clock
        let reference = try await bench.record().reference
        let access = try #require(AccessToken("at-9"))
        // A tool without our lock rotates while our request is on its way.
        bench.provider.next(
            .after(
                {
                    _ = try? await store.commitRefresh(
                        reference,
                        RefreshedTokens(
                            tokens: TokenSet(access: access, refresh: RefreshToken("rt-9")),
                            identity: nil, grantedScope: Scope(),
                            expiry: TokenExpiry(obtained: clock.now(), lifetime: .seconds(3600))))
                }, .answer(.status(400, #"{"error":"invalid_grant"}"#))))
        #expect(try await bench.service.accessToken().access.reveal() == "at-9")
        #expect(await bench.refreshToken() == "rt-9")
        #expect(try await bench.record().phase == .active)
    }

    @Test("Case 62: invalid_grant for the current generation ends the session, and is asked once")
    func invalidGrant() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        bench.provider.always(.answer(.status(400, #"{"error":"invalid_grant"}"#)))
        for _ in 0..<100 {
            await #expect(throws: AuthError.loginRequired(.ended(.revoked))) {
                try await bench.service.accessToken()
            }
        }
        let sibling = try bench.sibling()
        await #expect(throws: AuthError.loginRequired(.ended(.revoked))) {
            try await sibling.accessToken()
        }
        #expect(bench.provider.refreshes == ["rt-1"])
        #expect(await bench.store.tokens() == nil)
        #expect(try await bench.record().phase == .expired(.revoked))
    }

    @Test(
        "Case 64: any other 4xx keeps the token and has its own kind",
        arguments: [
            (401, #"{"error":"invalid_client"}"#, "invalid_client"),
            (400, #"{"error":"invalid_client"}"#, "invalid_client"),
            (400, #"{"error":"invalid_request"}"#, "invalid_request"),
            (400, #"{"error":"unauthorized_client"}"#, "unauthorized_client"),
            (403, "<html>Forbidden</html>", ""), (400, "", ""), (400, "no JSON", ""),
            (400, #"{"error":"Invalid_Grant"}"#, "Invalid_Grant"),
        ])
    func otherRefusals(_ status: Int, _ body: String, _ code: String) async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        bench.provider.next(.answer(.status(status, body)))
        await #expect(throws: AuthError.tokenEndpointRejected(code: code)) {
            try await bench.service.accessToken()
        }
        #expect(await bench.refreshToken() == "rt-1")
        #expect(try await bench.record().mark == nil)
        for _ in 0..<10 {
            await #expect(throws: AuthError.tokenEndpointRejected(code: code)) {
                try await bench.service.accessToken()
            }
        }
        #expect(bench.provider.refreshes == ["rt-1"], "a refused client does not keep asking")
        bench.clock.advance(by: RefreshPolicy().refusalInterval)
        #expect(try await bench.service.accessToken().access.reveal() == "at-2")
    }

    @Test("Case 65: a lost answer is followed by one replay, after the settling time")
    func replay() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        bench.provider.next(.loseRequest)
        #expect(try await bench.service.accessToken().access.reveal() == "at-2")
        #expect(bench.provider.refreshes == ["rt-1", "rt-1"])
        #expect(bench.clock.sleeps == [.seconds(1)])
    }

    @Test("Case 65: a replay that is lost too is transient; token and mark stay for a later call")
    func replayLost() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        bench.provider.next(.loseRequest, .loseRequest)
        await #expect(throws: AuthError.transient("connection reset", retryAfter: nil)) {
            try await bench.service.accessToken()
        }
        #expect(bench.provider.refreshes == ["rt-1", "rt-1"])
        #expect(await bench.refreshToken() == "rt-1")
        #expect(try await bench.record().mark?.generation == Generation(1))
        // Another process finds the mark, settles and tries once.
        let sibling = try bench.sibling()
        #expect(try await sibling.accessToken().access.reveal() == "at-2")
        #expect(bench.provider.refreshes.count == 3)
        #expect(try await bench.record().mark == nil)
    }

    @Test("Case 65: invalid_grant after a lost answer is outcomeUnknown, told as that")
    func outcomeUnknown() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        bench.provider.next(.rotateAndLose)
        for _ in 0..<3 {
            await #expect(throws: AuthError.loginRequired(.ended(.outcomeUnknown))) {
                try await bench.service.accessToken()
            }
        }
        #expect(bench.provider.refreshes == ["rt-1", "rt-1"])
        #expect(await bench.store.tokens() == nil)
    }

    @Test("Case 26: a refresh that is answered with HTML keeps the mark and is repeated once")
    func portal() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        bench.provider.next(.answer(.status(200, "<html>")))
        #expect(try await bench.service.accessToken().access.reveal() == "at-2")
        #expect(bench.provider.refreshes == ["rt-1", "rt-1"])
    }

    @Test("A provider that gives no new refresh token keeps the old one good")
    func reuse() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        bench.provider.next(
            .answer(
                .status(200, #"{"access_token":"at-x","token_type":"bearer","expires_in":60}"#)))
        #expect(try await bench.service.accessToken().access.reveal() == "at-x")
        #expect(await bench.refreshToken() == "rt-1")
    }
}
