import AuthModels
import HTTPTypes
import OpenIDConnect
import Testing

@Suite("Userinfo")
struct UserInfoTests {
    let subject = Subject("248289761001")

    func judge(_ body: String, type: String = "application/json") throws -> UserInfo {
        try UserInfo.judge(
            Samples.answer(200, body, headers: [.contentType: type]), subject: subject)
    }

    @Test("The token goes into the header and nowhere else")
    func request() throws {
        let token = try #require(AccessToken("at-1"))
        let exchange = try #require(
            UserInfo.request(endpoints: Samples.endpoints(), accessToken: token))
        #expect(exchange.request.method == .get)
        #expect(exchange.request.path == "/connect/userinfo")
        #expect(exchange.request.headerFields[.authorization] == "Bearer at-1")
        #expect(exchange.body.isEmpty)
        var none = try Samples.endpoints()
        none.userInfo = nil
        #expect(UserInfo.request(endpoints: none, accessToken: token) == nil)
    }

    @Test("The same subject is taken, JSON labelled HTML too")
    func good() throws {
        let body = #"{"sub":"248289761001","name":"Jane"}"#
        #expect(try judge(body).claims["name"]?.string == "Jane")
        #expect(try judge(body, type: "text/html").subject == subject)
        let other = try UserInfo.judge(Samples.answer(200, body), subject: nil)
        #expect(other.subject == subject)
    }

    @Test(
        "Another subject, none, a signed answer and what is not JSON are refused",
        arguments: [
            (#"{"sub":"someone-else"}"#, "application/json"), ("{}", "application/json"),
            (#"{"sub":7}"#, "application/json"), (#"{"sub":""}"#, "application/json"),
            (#"{"sub":"248289761001","sub":"248289761001"}"#, "application/json"),
            (#"{"sub":"248289761001"}"#, "application/jwt; charset=utf-8"),
            ("eyJ.eyJ.c2ln", "application/json"), ("<html>", "text/html"), ("", ""),
        ])
    func refused(body: String, type: String) {
        #expect(errorOf { try judge(body, type: type) }?.kind == "userInfoInvalid")
    }

    @Test("Each status is told as what the caller can do about it")
    func statuses() {
        let kinds = [
            (401, "unauthorizedAfterRefresh"), (403, "insufficientScope"), (404, "transient"),
            (429, "busy"), (500, "transient"), (302, "userInfoInvalid"), (204, "userInfoInvalid"),
        ]
        for (status, kind) in kinds {
            let answer = Samples.answer(status, #"{"sub":"248289761001"}"#)
            #expect(errorOf { try UserInfo.judge(answer, subject: subject) }?.kind == kind)
        }
    }
}

@Suite("Revocation")
struct RevocationTests {
    @Test(
        "The refresh token goes into the form with its hint, the client's proof as at the token endpoint"
    )
    func request() throws {
        let token = try #require(RefreshToken("rt+1"))
        func exchange(_ authentication: ClientAuthentication) throws -> HTTPExchange {
            try #require(
                Revocation.request(
                    token,
                    registration: Samples.registration(
                        authentication: authentication, clientID: "client_id"),
                    clientSecret: ClientSecret("client_id_secrtet"), endpoints: Samples.endpoints())
            )
        }
        let confidential = try exchange(.basic)
        #expect(confidential.bodyText == "token=rt%2B1&token_type_hint=refresh_token")
        #expect(
            confidential.request.headerFields[.authorization]
                == "Basic Y2xpZW50X2lkOmNsaWVudF9pZF9zZWNydGV0")
        #expect(confidential.request.path == "/connect/revocation")
        #expect(
            try exchange(.none).bodyText
                == "token=rt%2B1&token_type_hint=refresh_token&client_id=client_id")
        var none = try Samples.endpoints()
        none.revocation = nil
        #expect(
            Revocation.request(
                token, registration: try Samples.registration(), clientSecret: nil, endpoints: none)
                == nil)
    }

    @Test("Done, later and never are told apart")
    func outcomes() {
        let outcomes: [(Int, String, Revocation.Outcome)] = [
            (200, "", .done), (204, "", .done), (200, "<html>", .done),
            (400, "{\"error\":\"invalid_token\"}", .done),
            (
                400, "{\"error\":\"unsupported_token_type\"}",
                .impossible(code: "unsupported_token_type")
            ),
            (401, "{\"error\":\"invalid_client\"}", .impossible(code: "invalid_client")),
            (403, "<html>", .impossible(code: "")), (404, "<html>", .later(retryAfter: nil)),
            (408, "", .later(retryAfter: nil)), (429, "", .later(retryAfter: nil)),
            (503, "", .later(retryAfter: nil)), (302, "", .later(retryAfter: nil)),
        ]
        for (status, body, outcome) in outcomes {
            #expect(Revocation.judge(Samples.answer(status, body)) == outcome, "\(status) \(body)")
        }
        let slow = Samples.answer(503, headers: [.retryAfter: "9"])
        #expect(Revocation.judge(slow) == .later(retryAfter: .seconds(9)))
    }
}

@Suite("End session")
struct EndSessionTests {
    @Test("The hint, the client and the way back are sent in order")
    func url() throws {
        let url = EndSession.url(
            endpoints: try Samples.endpoints(), idTokenHint: IDToken("a.b.c"),
            clientID: try #require(ClientID("id")),
            postLogoutRedirectURI: try RedirectURI("http://localhost:3000/callback"), state: "s")
        #expect(
            url?.rawValue == "https://id.example.test/connect/endsession?id_token_hint=a.b.c"
                + "&client_id=id"
                + "&post_logout_redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback&state=s")
    }

    @Test("A hint that is too long for a URL is left out; without an endpoint there is no URL")
    func limits() throws {
        var endpoints = try Samples.endpoints()
        let long = IDToken(String(repeating: "x", count: 10_000))
        let id = try #require(ClientID("id"))
        #expect(
            EndSession.url(endpoints: endpoints, idTokenHint: long, clientID: id)?.query
                == "client_id=id")
        endpoints.endSession = nil
        #expect(EndSession.url(endpoints: endpoints, idTokenHint: nil, clientID: id) == nil)
    }
}
