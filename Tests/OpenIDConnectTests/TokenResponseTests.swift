import AuthModels
import HTTPTypes
import OpenIDConnect
import Testing

@Suite("Token answers")
struct TokenResponseTests {
    static let members: [String: String] = [
        "access_token": "\"at-1\"", "token_type": "\"Bearer\"", "expires_in": "3600",
        "refresh_token": "\"rt-2\"", "scope": "\"user_api.full_access offline_access\"",
    ]

    func body(_ changes: [String: String?] = [:]) -> String {
        JSONText.object(Self.members.changed(changes))
    }

    func exchange(_ changes: [String: String?] = [:]) throws -> TokenResponse {
        try TokenResponse.judgeCodeExchange(Samples.answer(200, body(changes)))
    }

    func refreshed(_ changes: [String: String?] = [:]) throws -> TokenResponse {
        let verdict = RefreshVerdict.judge(Samples.answer(200, body(changes)))
        guard case .tokens(let response) = verdict else { throw Samples.Missing() }
        return response
    }

    @Test("A good answer is taken whole")
    func good() throws {
        let response = try exchange()
        #expect(response.accessToken.reveal() == "at-1")
        #expect(response.refreshToken?.reveal() == "rt-2")
        #expect(response.lifetime == .seconds(3600))
        #expect(response.scope?.values == ["user_api.full_access", "offline_access"])
        #expect(response.idToken == nil)
    }

    @Test("Case 26: a 200 that is not strict JSON stores nothing and ends no session")
    func notJSON() {
        let good = body()
        var bodies: [[UInt8]] = [
            "<html>portal</html>", "", String(good.dropLast()), good + "x", "null", "[]", "{}",
            String(good.dropLast()) + #","access_token":"other"}"#,
        ].map { Array($0.utf8) }
        bodies.append([0xEF, 0xBB, 0xBF] + Array(good.utf8))
        bodies.append([0xFF, 0xFE] + good.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
        bodies.append(good.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] })
        for body in bodies {
            let answer = HTTPAnswer(HTTPResponse(status: .ok), body: body)
            #expect(
                errorOf { try TokenResponse.judgeCodeExchange(answer) }?.kind
                    == "tokenResponseInvalid")
            guard case .notAnAnswer = RefreshVerdict.judge(answer) else {
                Issue.record("taken as an answer: \(body.count) bytes")
                continue
            }
        }
    }

    @Test("Case 27: Bearer in any case is taken, every other type refused")
    func tokenType() throws {
        #expect(try exchange(["token_type": "\"bEARER\""]).accessToken.reveal() == "at-1")
        for type in [nil, "null", "\"mac\"", "\"DPoP\"", "\"\"", "\"Bearer \"", "7"] {
            #expect(errorOf { try exchange(["token_type": type]) }?.kind == "tokenResponseInvalid")
            #expect(throws: Samples.Missing.self) { try refreshed(["token_type": type]) }
        }
    }

    @Test(
        "Case 28: no expires_in traps or costs the new refresh token",
        arguments: [
            (nil, nil), ("null", nil), ("0", nil), ("-1", nil), ("\"3600\"", 3600),
            ("3600.5", 3600), ("1e3", 1000), ("1e400", nil), ("-1e400", nil),
            ("9223372036854775808", 315_360_000), ("1e300", 315_360_000), ("\"\"", nil),
            ("\"-5\"", nil), ("\"1e3\"", nil), ("\"99999999999999999999\"", nil), ("true", nil),
            ("[3600]", nil), ("{}", nil), ("0.5", nil),
        ] as [(String?, Int?)])
    func expiresIn(text: String?, seconds: Int?) throws {
        for response in [
            try exchange(["expires_in": text]), try refreshed(["expires_in": text]),
        ] {
            #expect(response.lifetime == seconds.map { .seconds($0) })
            #expect(response.refreshToken?.reveal() == "rt-2")
        }
    }

    @Test("Case 29: absent is what was asked for, narrower is seen, broader is not used")
    func scope() throws {
        let requested = try #require(Scope("a b"))
        func granted(_ scope: String?) throws -> [String] {
            try exchange(["scope": scope]).grantedScope(requested: requested).values
        }
        #expect(try granted(nil) == ["a", "b"])
        #expect(try granted("null") == ["a", "b"])
        #expect(try granted("\"\"") == [])
        #expect(try granted("\"b\"") == ["b"])
        #expect(try granted("\"b a admin\"") == ["b", "a"])
        #expect(try granted("[\"a\"]") == ["a"])
        #expect(try refreshed(["scope": "\"\\u0001\""]).refreshToken?.reveal() == "rt-2")
    }

    @Test("Case 30: invalid_client as 401 with a Basic challenge is told as such")
    func invalidClient() {
        let answer = Samples.answer(
            401, "{\"error\":\"invalid_client\"}", headers: [.wwwAuthenticate: "Basic realm=\"x\""])
        #expect(
            errorOf { try TokenResponse.judgeCodeExchange(answer) }
                == .tokenEndpointRejected(code: "invalid_client"))
        #expect(RefreshVerdict.judge(answer) == .rejected(code: "invalid_client"))
    }

    @Test("Case 31: a redirect is an invalid answer, whatever its body says")
    func redirects() {
        for status in [300, 301, 302, 303, 307, 308] {
            let answer = Samples.answer(
                status, body(), headers: [.location: "https://id.example.test/connect/token"])
            #expect(
                errorOf { try TokenResponse.judgeCodeExchange(answer) }?.kind
                    == "tokenResponseInvalid")
            #expect(RefreshVerdict.judge(answer) == .notAnAnswer("HTTP \(status)"))
        }
    }

    @Test("Case 33: with openid an ID token must come; a missing refresh token is no fault")
    func missingTokens() throws {
        let answer = Samples.answer(200, body(["refresh_token": nil]))
        #expect(try TokenResponse.judgeCodeExchange(answer).refreshToken == nil)
        #expect(
            errorOf { try TokenResponse.judgeCodeExchange(answer, expectingIDToken: true) }?.kind
                == "tokenResponseInvalid")
        for absent in ["null", "\"\""] {
            let none = Samples.answer(200, body(["id_token": absent, "refresh_token": absent]))
            #expect(try TokenResponse.judgeCodeExchange(none).refreshToken == nil)
            #expect(
                errorOf { try TokenResponse.judgeCodeExchange(none, expectingIDToken: true) }?.kind
                    == "tokenResponseInvalid")
        }
        let some = Samples.answer(200, body(["id_token": "\"a.b.c\""]))
        let response = try TokenResponse.judgeCodeExchange(some, expectingIDToken: true)
        #expect(response.idToken?.reveal() == "a.b.c")
    }

    @Test("Case 36: 429 and 503 say when to come back, capped")
    func retryAfter() {
        let wait: [(String?, Duration?)] = [
            ("30", .seconds(30)), ("-30", .zero), ("1000000000", .seconds(3600)), (nil, nil),
            ("Fri, 15 Jan 2027 08:00:30 GMT", .seconds(30)),
        ]
        for (text, expected) in wait {
            var headers: HTTPFields = [:]
            if let text { headers[.retryAfter] = text }
            let many = Samples.answer(429, "{\"error\":\"invalid_grant\"}", headers: headers)
            let down = Samples.answer(503, headers: headers)
            #expect(
                RefreshVerdict.judge(many, now: Samples.now)
                    == .tooManyRequests(retryAfter: expected))
            #expect(
                RefreshVerdict.judge(down, now: Samples.now)
                    == .serverError(status: 503, retryAfter: expected))
            guard
                case .busy(_, expected) = errorOf({
                    try TokenResponse.judgeCodeExchange(many, now: Samples.now)
                }),
                case .transient(_, expected) = errorOf({
                    try TokenResponse.judgeCodeExchange(down, now: Samples.now)
                })
            else {
                Issue.record("\(text ?? "none") is not \(String(describing: expected))")
                continue
            }
        }
    }

    @Test(
        "Case 37: a token that no header could carry is refused before it is kept",
        arguments: [
            "a\\r\\nb", "a\\u0000b", "a\\u0001", "\\u00e9", "\\ud83d\\ude00", "a\\u007f",
            String(repeating: "x", count: 1 << 17),
        ])
    func hostileTokens(text: String) throws {
        let quoted = "\"\(text)\""
        for name in ["access_token", "refresh_token"] {
            #expect(errorOf { try exchange([name: quoted]) }?.kind == "tokenResponseInvalid")
        }
        #expect(throws: Samples.Missing.self) { try refreshed(["access_token": quoted]) }
        #expect(try refreshed(["refresh_token": quoted]).refreshToken == nil)
        #expect(errorOf { try exchange(["id_token": quoted]) }?.kind == "tokenResponseInvalid")
        #expect(errorOf { try exchange(["access_token": "\"a b\""]) } != nil)
        #expect(errorOf { try exchange(["access_token": "\"\""]) } != nil)
        #expect(errorOf { try exchange(["refresh_token": "7"]) } != nil)
    }

    @Test("Case 37: on refresh a hostile ID token does not cost the new refresh token")
    func hostileIDToken() throws {
        let response = try refreshed(["id_token": "\"a\\r\\nb\""])
        #expect(response.idToken == nil)
        #expect(response.refreshToken?.reveal() == "rt-2")
    }

    @Test(
        "Case 37: an access token that cannot be used does not cost the new refresh token",
        arguments: [
            ["token_type": "\"mac\""], ["access_token": "\"a\\r\\nb\""], ["access_token": "null"],
            ["token_type": "null"],
        ])
    func unusableAccessToken(changes: [String: String]) {
        let verdict = RefreshVerdict.judge(Samples.answer(200, body(changes)))
        guard case .refreshTokenOnly(let token, _) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(token.reveal() == "rt-2")
    }

    @Test("Case 37: a refresh token that cannot be used counts as none, and the old one stays")
    func unusableRefreshToken() {
        for value in ["17", #""a\r\nb""#, "[]"] {
            let verdict = RefreshVerdict.judge(Samples.answer(200, body(["refresh_token": value])))
            guard case .tokens(let response) = verdict else {
                Issue.record("\(value): \(verdict)")
                continue
            }
            #expect(response.refreshToken == nil)
        }
    }

    @Test("Case 118: an answer nested 100,000 deep or beyond its cap is no answer")
    func resources() {
        let deep = String(repeating: "{\"a\":", count: 100_000)
        let wide = "[" + String(repeating: "1,", count: 1 << 20) + "1]"
        for body in [deep, wide] {
            guard case .notAnAnswer = RefreshVerdict.judge(Samples.answer(200, body)) else {
                Issue.record("taken as an answer")
                continue
            }
        }
    }
}

@Suite("What the answer to a refresh means")
struct RefreshVerdictTests {
    static let grant = "{\"error\":\"invalid_grant\"}"

    @Test(
        "Case 62: invalid_grant ends the session, with whatever 4xx it comes",
        arguments: [400, 401, 403, 404, 422])
    func invalidGrant(status: Int) {
        #expect(RefreshVerdict.judge(Samples.answer(status, Self.grant)) == .invalidGrant)
    }

    @Test("Case 63: 408, 429, 5xx, HTML at 200 and an outage's 404 say nothing about the token")
    func transient() {
        let answers: [(Int, String, RefreshVerdict)] = [
            (408, Self.grant, .notAnAnswer("HTTP 408")),
            (429, Self.grant, .tooManyRequests(retryAfter: nil)),
            (500, Self.grant, .serverError(status: 500, retryAfter: nil)),
            (502, "<html>", .serverError(status: 502, retryAfter: nil)),
            (404, "<html>", .notAnAnswer("HTTP 404")), (404, "", .notAnAnswer("HTTP 404")),
            (200, "<html>", .notAnAnswer("not JSON at byte 0")),
            (204, "", .notAnAnswer("HTTP 204")), (201, Self.grant, .notAnAnswer("HTTP 201")),
            (200, Self.grant, .notAnAnswer("the token type is not Bearer")),
        ]
        for (status, body, verdict) in answers {
            #expect(RefreshVerdict.judge(Samples.answer(status, body)) == verdict)
        }
    }

    @Test(
        "Case 64: any other 4xx keeps the token, an empty 400 and near misses of invalid_grant too",
        arguments: [
            (400, "{\"error\":\"invalid_client\"}", "invalid_client"),
            (400, "{\"error\":\"invalid_request\"}", "invalid_request"),
            (400, "{\"error\":\"unauthorized_client\"}", "unauthorized_client"),
            (403, "<html>forbidden</html>", ""), (400, "", ""), (400, "invalid_grant", ""),
            (400, "\"invalid_grant\"", ""), (400, "{\"error\":\"Invalid_Grant\"}", "Invalid_Grant"),
            (400, "{\"error\":\"invalid_grant\\u0000\"}", "invalid_grant\\u{0}"),
            (400, "{\"error\":\"invalid_grant\",\"error\":\"invalid_grant\"}", ""),
            (400, "{\"error\":[\"invalid_grant\"]}", ""),
            (400, "{\"error_description\":\"invalid_grant\"}", ""),
            (404, "{\"error\":\"not_found\"}", "not_found"),
        ])
    func rejected(status: Int, body: String, code: String) {
        #expect(RefreshVerdict.judge(Samples.answer(status, body)) == .rejected(code: code))
    }

    @Test("A code that is not taken is a refused sign-in; another 4xx is the client's")
    func codeExchange() {
        func error(_ status: Int, _ body: String) -> AuthError? {
            errorOf { try TokenResponse.judgeCodeExchange(Samples.answer(status, body)) }
        }
        #expect(error(400, Self.grant) == .authorizationDenied(code: "invalid_grant"))
        #expect(
            error(403, "{\"error\":\"invalid_code\"}")
                == .tokenEndpointRejected(code: "invalid_code"))
        #expect(error(400, "") == .tokenEndpointRejected(code: ""))
        #expect(error(404, "<html>")?.kind == "transient")
        #expect(error(500, Self.grant)?.kind == "transient")
        #expect(error(408, "")?.kind == "transient")
        #expect(error(204, "")?.kind == "tokenResponseInvalid")
    }
}
