import AuthModels
import AuthenticatedHTTP
import HTTPTypes
import OpenIDConnect
import Testing

@Suite("Userinfo")
struct UserInfoCallTests {
    private func bench(_ transport: ScriptedTransport, subject: String? = "s1") throws -> Bench {
        try Bench(
            transport,
            record: .sample(userInfo: "https://id.example/connect/userinfo", subject: subject))
    }

    @Test("The token goes to the endpoint that was pinned at sign-in, though its origin is another")
    func pinned() async throws {
        let bench = try bench(
            ScriptedTransport(.status(200, body: #"{"sub":"s1","name":"Alice"}"#)))
        let info = try await bench.client.userInfo()
        #expect(info.subject == Subject("s1"))
        #expect(info.claims["name"]?.string == "Alice")
        #expect(bench.transport.requests.map(\.url) == ["https://id.example/connect/userinfo"])
        #expect(bench.transport.requests.map(\.bearer) == ["Bearer at-1"])
    }

    @Test("Case 76: a 401 of userinfo is refreshed and retried once")
    func refreshed() async throws {
        let bench = try bench(
            ScriptedTransport(.invalidToken, .status(200, body: #"{"sub":"s1"}"#)))
        _ = try await bench.client.userInfo()
        #expect(bench.session.refreshes == 1)
    }

    @Test("Case 77: a second 401 of userinfo is unauthorizedAfterRefresh")
    func secondRefusal() async throws {
        let bench = try bench(ScriptedTransport(.invalidToken, .invalidToken))
        await #expect(throws: AuthError.unauthorizedAfterRefresh) {
            try await bench.client.userInfo()
        }
    }

    @Test("An answer about someone else is refused")
    func someoneElse() async throws {
        let bench = try bench(ScriptedTransport(.status(200, body: #"{"sub":"s2"}"#)))
        do {
            _ = try await bench.client.userInfo()
            Issue.record("nothing was thrown")
        } catch AuthError.userInfoInvalid {}
    }

    @Test("A provider without the endpoint is told as that, and asked nothing")
    func noEndpoint() async throws {
        let bench = try Bench(ScriptedTransport())
        do {
            _ = try await bench.client.userInfo()
            Issue.record("nothing was thrown")
        } catch AuthError.configInvalid {}
    }
}
