import AuthModels
import AuthenticatedHTTP
import HTTPTypes
import Testing

@Suite("Where the token may go")
struct OriginTests {
    @Test(
        "Case 84: a URL that only looks like the API's is refused before a token is looked up",
        arguments: [
            "https://api.example@evil.example/", "https://api.example\\@evil.example/",
            "//evil.example/", "https://аpi.example/", "https://api.example.evil.example/",
            "https://evil.example/api.example", "http://api.example/", "https://api.example:8443/",
            "https://api.example/a/../b", "https://api.example/%2e%2E/b", "/a/../../b", "/./a",
            "/%2e./a", "javascript:alert(1)", "", "me", "https://api.example/me#f",
            "https:/api.example/", "https://api.example/\r\nX: y", " https://api.example/",
        ])
    func refused(_ text: String) async throws {
        let bench = try Bench(ScriptedTransport())
        await #expect(throws: AuthError.originNotAllowed) { try await bench.get(text) }
        #expect(bench.session.lookups == 0)
    }

    @Test(
        "Case 84: a token in the query is refused, however it is spelt",
        arguments: [
            "/me?access_token=x", "/me?a=b&access_token=x", "/me?access%5Ftoken=x",
            "/me?access_token",
            "/me?ACCESS_TOKEN=x",
        ])
    func tokenInQuery(_ text: String) async throws {
        let bench = try Bench(ScriptedTransport())
        await #expect(throws: AuthError.originNotAllowed) { try await bench.get(text) }
        #expect(bench.session.lookups == 0)
    }

    @Test("Case 84: a URL that was made by other means is judged again when it is sent")
    func judgedAtSend() async throws {
        let bench = try Bench(ScriptedTransport())
        let evil = try WebURL("https://evil.example/me")
        await #expect(throws: AuthError.originNotAllowed) {
            try await bench.client.send(.get, evil)
        }
        #expect(bench.session.lookups == 0)
    }

    @Test("A path is put behind the API's own, a URL within the origin is taken as it is")
    func accepted() throws {
        let bench = try Bench(ScriptedTransport(), base: "https://h.example/api")
        #expect(try bench.client.url("/me?x=1").rawValue == "https://h.example/api/me?x=1")
        #expect(
            try bench.client.url("https://h.example:443/other").rawValue
                == "https://h.example:443/other")
    }

    @Test(
        "Case 83: a redirect is an answer; nothing is sent to where it points",
        arguments: [
            301, 302, 303, 307, 308,
        ])
    func redirect(_ status: Int) async throws {
        for target in [
            "https://evil.example/", "http://api.example/", "https://api.example:8443/", "/other",
        ] {
            let bench = try Bench(
                ScriptedTransport(.status(status, headers: [.location: target])))
            let answer = try await bench.get()
            #expect(answer.response.status.code == status)
            #expect(bench.transport.requests.map(\.url) == ["https://api.example/me"])
        }
    }
}
