import AuthModels
import AuthenticatedHTTP
import HTTPTypes
import Testing

@Suite("A refusal that no refresh can mend")
struct StepUpTests {
    @Test("Case 80: 401 insufficient_user_authentication is stepUpRequired, with no refresh")
    func stepUp() async throws {
        let bench = try Bench(
            ScriptedTransport(
                .challenge(
                    401,
                    #"Bearer error="insufficient_user_authentication", "#
                        + #"error_description="a, b", acr_values="phr phrh", max_age="300""#)))
        await #expect(throws: AuthError.stepUpRequired(acrValues: "phr phrh", maxAge: 300)) {
            try await bench.get()
        }
        #expect(bench.session.refreshes == 0)
        #expect(bench.transport.requests.count == 1)
    }

    @Test(
        "Case 80: what the challenge leaves out or breaks is nil",
        arguments: [
            #"Bearer error=insufficient_user_authentication"#,
            #"Bearer error=insufficient_user_authentication, max_age=-1"#,
            #"Bearer error=insufficient_user_authentication, max_age=99999999999999999999"#,
        ])
    func stepUpBare(_ line: String) async throws {
        let bench = try Bench(ScriptedTransport(.challenge(401, line)))
        await #expect(throws: AuthError.stepUpRequired(acrValues: nil, maxAge: nil)) {
            try await bench.get()
        }
    }

    @Test("Case 80: 403 insufficient_scope is insufficientScope, with no refresh and no retry")
    func scope() async throws {
        let bench = try Bench(
            ScriptedTransport(
                .challenge(403, #"Bearer error="insufficient_scope", scope="user_api.admin""#)))
        await #expect(throws: AuthError.insufficientScope("user_api.admin")) {
            try await bench.get()
        }
        #expect(bench.session.refreshes == 0)
        #expect(bench.transport.requests.count == 1)
    }

    @Test("Case 80: still unsatisfied after a refresh is an error, not a loop")
    func stillUnsatisfied() async throws {
        let bench = try Bench(
            ScriptedTransport(
                .invalidToken,
                .challenge(401, #"Bearer error="insufficient_user_authentication", max_age="0""#)))
        await #expect(throws: AuthError.stepUpRequired(acrValues: nil, maxAge: 0)) {
            try await bench.get()
        }
        #expect(bench.session.refreshes == 1)
        #expect(bench.transport.requests.count == 2)
    }

    @Test(
        "Case 80: a 403 that does not speak of scope is an answer like any other",
        arguments: [
            HTTPAnswer.status(403, body: "no"), .challenge(403, #"Bearer error="invalid_token""#),
            .challenge(403, #"Basic error="insufficient_scope""#),
        ])
    func otherForbidden(_ refusal: HTTPAnswer) async throws {
        let bench = try Bench(ScriptedTransport(refusal))
        let answer = try await bench.get()
        #expect(answer.response.status == .forbidden)
        #expect(answer.body == refusal.body)
        #expect(bench.session.refreshes == 0)
    }

    @Test("Hostile text in a challenge is escaped and capped")
    func hostileText() async throws {
        let long = String(repeating: "a", count: 5000)
        let bench = try Bench(
            ScriptedTransport(
                .challenge(403, "Bearer error=\"insufficient_scope\", scope=\"\u{202E}\(long)\"")))
        do {
            _ = try await bench.get()
            Issue.record("nothing was thrown")
        } catch AuthError.insufficientScope(let scope) {
            let scope = try #require(scope)
            #expect(scope.utf8.count <= 200)
            #expect(scope.hasPrefix(#"\u{202E}"#))
        }
    }
}
