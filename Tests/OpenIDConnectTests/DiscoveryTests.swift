import AuthModels
import HTTPTypes
import OpenIDConnect
import Testing

@Suite("Discovery")
struct DiscoveryTests {
    static let members: [String: String] = [
        "issuer": JSONText.string(Samples.issuerText),
        "authorization_endpoint": "\"https://id.example.test/connect/authorize\"",
        "token_endpoint": "\"https://id.example.test/connect/token\"",
        "jwks_uri": "\"https://id.example.test/jwks\"",
        "code_challenge_methods_supported": "[\"plain\",\"S256\"]",
        "id_token_signing_alg_values_supported": "[\"RS256\",\"none\",\"HS256\",\"ES256\"]",
        "authorization_response_iss_parameter_supported": "true",
        "scopes_supported": "[\"openid\",\"offline_access\"]",
    ]

    func judge(
        _ changes: [String: String?] = [:], issuer: String = Samples.issuerText
    ) throws -> ProviderMetadata {
        try Discovery.judge(
            Samples.answer(200, JSONText.object(Self.members.changed(changes))),
            for: Issuer(issuer))
    }

    @Test("Good metadata are taken whole")
    func good() throws {
        let metadata = try judge()
        #expect(metadata.endpoints.token.rawValue == "https://id.example.test/connect/token")
        #expect(metadata.endpoints.jwks?.path == "/jwks")
        #expect(metadata.endpoints.userInfo == nil)
        #expect(metadata.issuerInResponse)
        #expect(metadata.scopesSupported == ["openid", "offline_access"])
        #expect(metadata.endpoints.idTokenAlgorithms == ["RS256", "ES256"])
    }

    @Test("RS256 is meant where no algorithm is listed")
    func defaultAlgorithm() throws {
        let metadata = try judge(["id_token_signing_alg_values_supported": nil])
        #expect(metadata.endpoints.idTokenAlgorithms == ["RS256"])
    }

    @Test(
        "Case 40: only the two defined paths are asked, also for an issuer with a path or a slash",
        arguments: [
            (
                "https://h.test",
                [
                    "/.well-known/openid-configuration",
                    "/.well-known/oauth-authorization-server",
                ]
            ),
            (
                "https://h.test/",
                [
                    "/.well-known/openid-configuration",
                    "/.well-known/oauth-authorization-server",
                ]
            ),
            (
                "https://h.test:8443/a/b",
                [
                    "/a/b/.well-known/openid-configuration",
                    "/.well-known/oauth-authorization-server/a/b",
                ]
            ),
            (
                "https://h.test/o/",
                [
                    "/o/.well-known/openid-configuration",
                    "/.well-known/oauth-authorization-server/o",
                ]
            ),
        ])
    func paths(issuer: String, paths: [String]) throws {
        let requests = Discovery.requests(for: try Issuer(issuer))
        #expect(requests.map(\.request.path) == paths)
        #expect(requests.allSatisfy { $0.request.method == .get })
        #expect(requests.allSatisfy { $0.request.headerFields[.accept] == "application/json" })
    }

    @Test("Case 40: a redirect is not followed, a 404 lets the other path be tried")
    func otherAnswers() throws {
        let issuer = try Samples.issuer()
        for status in [301, 302, 303, 307, 308] {
            let answer = Samples.answer(
                status, headers: [.location: "https://evil.example.test/metadata"])
            #expect(
                errorOf { try Discovery.judge(answer, for: issuer) }?.kind == "discoveryInvalid")
        }
        let missing = Samples.answer(404, "<html>no</html>")
        #expect(Discovery.isNotFound(missing))
        #expect(errorOf { try Discovery.judge(missing, for: issuer) }?.kind == "transient")
        for status in [400, 401, 403, 410] {
            let answer = Samples.answer(status)
            #expect(
                errorOf { try Discovery.judge(answer, for: issuer) }?.kind == "discoveryInvalid")
        }
    }

    @Test("Case 36: an outage and too many requests are no verdict on the provider")
    func outage() throws {
        let issuer = try Samples.issuer()
        let slow = Samples.answer(503, headers: [.retryAfter: "7"])
        guard case .transient(_, .seconds(7)) = errorOf({ try Discovery.judge(slow, for: issuer) })
        else {
            Issue.record("503 is not transient")
            return
        }
        #expect(
            errorOf { try Discovery.judge(Samples.answer(429), for: issuer) }?.kind == "busy")
        #expect(
            errorOf { try Discovery.judge(Samples.answer(500), for: issuer) }?.kind == "transient")
    }

    @Test("Case 40: the content type is not looked at, the body is")
    func contentType() throws {
        let issuer = try Samples.issuer()
        let good = Samples.answer(
            200, JSONText.object(Self.members), headers: [.contentType: "text/html"])
        #expect(throws: Never.self) { try Discovery.judge(good, for: issuer) }
        for body in ["<html></html>", "", "[]", "null", "{\"issuer\":1}"] {
            let bad = Samples.answer(200, body, headers: [.contentType: "application/json"])
            #expect(errorOf { try Discovery.judge(bad, for: issuer) }?.kind == "discoveryInvalid")
        }
    }

    @Test(
        "Case 38: an issuer that differs by one byte is another issuer",
        arguments: [
            "https://other.example.test", "https://id.example.test/", "https://ID.example.test",
            "https://id.example.test:443", "https://id.example.test/path",
            "HTTPS://id.example.test",
            "http://id.example.test", "https://id.example.test\\u0000", "",
        ])
    func issuerMismatch(stated: String) {
        #expect(
            errorOf { try judge(["issuer": "\"\(stated)\""]) }?.kind == "discoveryInvalid")
    }

    @Test("Case 38: the stated issuer is shown escaped and cut")
    func issuerText() {
        let error = errorOf {
            try judge(["issuer": "\"\\u001b[2J\(String(repeating: "x", count: 9000))\""])
        }
        guard case .discoveryInvalid(let text) = error else {
            Issue.record("not discoveryInvalid")
            return
        }
        #expect(text.utf8.count < 400)
        #expect(text.utf8.allSatisfy { (0x20...0x7E).contains($0) })
    }

    @Test("Case 38: an issuer that ends in a slash is one of its own")
    func slash() throws {
        let metadata = try judge(
            ["issuer": "\"https://id.example.test/\""], issuer: "https://id.example.test/")
        #expect(metadata.issuer.rawValue == "https://id.example.test/")
    }

    @Test(
        "Case 39: a hostile endpoint URL is refused, whichever endpoint it is for",
        arguments: [
            "file:///etc/passwd", "javascript:alert(1)", "http://id.example.test/token", "-e",
            "--version", "$(x)", "https://$(x)/", "https://a@id.example.test/",
            "https://id.example.test\\\\@evil/", "https://id.example.test/\\n",
            "//id.example.test/",
            "https://id.example.test/#f", "https://", "https://-x.test/", "https://\u{E9}.test/",
            "",
            "https://127.0.0.1/", "http://localhost:1/", "https://[::1]/",
            "https://id.example.test/" + String(repeating: "a", count: 65_536),
        ],
        [
            "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint",
            "revocation_endpoint", "end_session_endpoint",
        ])
    func hostileURL(url: String, endpoint: String) {
        #expect(errorOf { try judge([endpoint: "\"\(url)\""]) }?.kind == "discoveryInvalid")
    }

    @Test("Case 39: an endpoint of another type, or none at all where one is needed, is refused")
    func endpointTypes() throws {
        #expect(errorOf { try judge(["token_endpoint": "7"]) }?.kind == "discoveryInvalid")
        #expect(errorOf { try judge(["token_endpoint": nil]) }?.kind == "discoveryInvalid")
        #expect(
            errorOf { try judge(["authorization_endpoint": "null"]) }?.kind == "discoveryInvalid")
        #expect(try judge(["jwks_uri": "null"]).endpoints.jwks == nil)
    }

    @Test("Case 115: endpoints in clear text are for a provider on this machine only")
    func loopback() throws {
        let metadata = try judge(
            [
                "issuer": "\"http://127.0.0.1:8080\"",
                "authorization_endpoint": "\"http://127.0.0.1:8080/a\"",
                "token_endpoint": "\"http://127.0.0.1:8080/t\"",
            ], issuer: "http://127.0.0.1:8080")
        #expect(metadata.endpoints.token.scheme == "http")
    }

    @Test("Case 23: listed without S256 is configInvalid, not listed is S256 all the same")
    func pkceMethods() throws {
        for methods in ["[\"plain\"]", "[]", "[\"s256\"]", "[\"S384\",\"plain\"]"] {
            let error = errorOf { try judge(["code_challenge_methods_supported": methods]) }
            #expect(error?.kind == "configInvalid")
        }
        let metadata = try judge(["code_challenge_methods_supported": nil])
        let registration = try Samples.registration()
        let request = try AuthorizationRequest(
            registration: registration, redirectURI: registration.redirectURI, metadata: metadata,
            random: SystemRandom())
        #expect(request.url.query?.contains("&code_challenge_method=S256&") == true)
    }
}
