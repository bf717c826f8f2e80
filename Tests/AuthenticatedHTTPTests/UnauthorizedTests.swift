import AuthModels
import AuthSession
import AuthenticatedHTTP
import HTTPTypes
import Testing

@Suite("A 401 of the API")
struct UnauthorizedTests {
    @Test("Case 76: a 401 causes one refresh and one retry with the new token")
    func oneRefreshOneRetry() async throws {
        let bench = try Bench(ScriptedTransport(.invalidToken, .ok))
        let answer = try await bench.get()
        #expect(answer.response.status == .ok)
        #expect(bench.transport.requests.map(\.bearer) == ["Bearer at-1", "Bearer at-2"])
        #expect(bench.session.refreshes == 1)
    }

    @Test("Case 76: a later 401 causes a second refresh, keyed to the second token")
    func twice() async throws {
        let bench = try Bench(ScriptedTransport(.invalidToken, .ok, .invalidToken, .ok))
        _ = try await bench.get()
        _ = try await bench.get()
        #expect(
            bench.transport.requests.map(\.bearer)
                == ["Bearer at-1", "Bearer at-2", "Bearer at-2", "Bearer at-3"])
        #expect(bench.session.refreshes == 2)
    }

    @Test("Case 76: a 401 for a token that is no longer current causes a retry and no refresh")
    func staleToken() async throws {
        let session = FakeSession(record: try .sample())
        let transport = ScriptedTransport([
            { _ in
                session.rotateElsewhere()
                return .success(.invalidToken)
            }, step(answering: .ok),
        ])
        let client = APIClient(
            tokens: session, transport: transport, apiBase: try WebURL("https://api.example"),
            clock: ManualClock(), random: ConstantRandom())
        let answer = try await client.send(.get, client.url("/me"))
        #expect(answer.response.status == .ok)
        #expect(transport.requests.map(\.bearer) == ["Bearer at-1", "Bearer at-2"])
        #expect(session.refreshes == 0)
    }

    @Test(
        "Case 77: 401 for ever is two requests, one refresh and unauthorizedAfterRefresh per call")
    func forEver() async throws {
        let bench = try Bench(
            ScriptedTransport(.invalidToken, .invalidToken, .invalidToken, .invalidToken))
        for call in 1...2 {
            await #expect(throws: AuthError.unauthorizedAfterRefresh) { try await bench.get() }
            #expect(bench.transport.requests.count == 2 * call)
            #expect(bench.session.refreshes == call)
        }
    }

    @Test("Case 77: a refresh that fails after a 401 is reported as what it is")
    func refreshFails() async throws {
        let bench = try Bench(ScriptedTransport(.invalidToken))
        let outage = AuthError.transient("the provider answered 503", retryAfter: .seconds(3))
        bench.session.failNextRefresh(outage)
        await #expect(throws: outage) { try await bench.get() }
        #expect(bench.transport.requests.count == 1)
    }

    @Test("Case 78: 100 parallel 401 on one token cause one refresh and 100 successes")
    func parallel() async throws {
        let transport = TokenCheckingTransport(good: "Bearer at-2")
        let session = FakeSession(record: try .sample())
        let client = APIClient(
            tokens: session, transport: transport, apiBase: try WebURL("https://api.example"),
            clock: ManualClock(), random: ConstantRandom())
        let url = try client.url("/me")
        let successes = try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<100 {
                group.addTask { try await client.send(.get, url).response.status == .ok }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(successes == 100)
        #expect(session.refreshes == 1)
    }

    @Test("A POST is sent again after a 401, because a 401 carried nothing out")
    func post() async throws {
        let bench = try Bench(ScriptedTransport(.invalidToken, .ok))
        _ = try await bench.send(.post, body: .bytes([1, 2, 3]))
        #expect(bench.transport.requests.map(\.body) == [[1, 2, 3], [1, 2, 3]])
    }

    @Test(
        "A 401 with any other challenge, or none, is refreshed too",
        arguments: [
            HTTPAnswer.status(401), .challenge(401, "Basic realm=\"x\""),
            .challenge(401, "Bearer error=\"invalid_request\""),
        ])
    func otherChallenges(_ first: HTTPAnswer) async throws {
        let bench = try Bench(ScriptedTransport(first, .ok))
        _ = try await bench.get()
        #expect(bench.session.refreshes == 1)
    }

    @Test("The caller's own Authorization field is replaced")
    func ownAuthorization() async throws {
        let bench = try Bench(ScriptedTransport(.ok))
        _ = try await bench.send(.get, headers: [.authorization: "Basic eDp5"])
        #expect(bench.transport.requests.map(\.bearer) == ["Bearer at-1"])
    }

    @Test("A session that was signed in for another API meanwhile lends its token to no old client")
    func otherAPI() async throws {
        let bench = try Bench(
            ScriptedTransport(), record: .sample(api: "https://other.example"))
        await #expect(throws: AuthError.originNotAllowed) { try await bench.get() }
        #expect(bench.transport.requests.isEmpty)
    }
}

/// Answers 200 to one token and 401 to every other.
struct TokenCheckingTransport: HTTPTransport {
    let good: String

    func send(_ exchange: HTTPExchange) async throws(TransportError) -> HTTPAnswer {
        await Task.yield()
        return exchange.bearer == good ? .ok : .invalidToken
    }
}
