import DemoProvider
import Testing

@Suite("Signing in at the demo provider")
struct SignInTests {
    @Test("A person signs in through login and consent page, and the code buys tokens")
    func wholeFlow() async throws {
        try await withDemo { demo in
            let browser = Browser(demo)
            let login = try await browser.open(demo.authorize())
            #expect(login.status == 200)
            #expect(login.text.contains("<label for=\"password\">"))
            let consent = try await browser.logIn(login)
            #expect(consent.text.contains("Use KS Connect for you"))
            let callback = try await browser.submit(
                consent, to: "/account/consent", [("decision", "allow")])
            let location = try #require(callback.location)
            #expect(location.hasPrefix(sampleRedirect + "?code="))
            let parameters = query(of: location)
            #expect(parameters["state"] == "a state")
            #expect(parameters["iss"] == demo.server.issuer)

            let answer = try await demo.exchange(try #require(parameters["code"]))
            #expect(answer.status == 200)
            #expect(answer.header("cache-control") == "no-store")
            let tokens = try answer.json
            #expect(tokens["token_type"] == .string("Bearer"))
            #expect(tokens["expires_in"] == .int(3_600))
            #expect(tokens["scope"] == .string(apiScope))
            #expect(tokens["id_token"] == nil)
            #expect(tokens["refresh_token"]?.text?.isEmpty == false)
        }
    }

    @Test("An access token is an at+jwt for user_api with a scope array and whole seconds")
    func accessTokenShape() async throws {
        try await withDemo { demo in
            let token = try #require(try await demo.signIn()["access_token"]?.text)
            let header = try part(0, of: token)
            #expect(header["alg"] == .string("RS256"))
            #expect(header["typ"] == .string("at+jwt"))
            let keys = try await demo.send(
                "GET", demo.server.issuer + "/.well-known/openid-configuration/jwks")
            let published = try keys.json["keys"]?.items ?? []
            #expect(published.map { $0["kid"] } == [header["kid"]])
            #expect(published.allSatisfy { $0["d"] == nil })
            let claims = try part(1, of: token)
            #expect(claims["aud"] == .string("user_api"))
            #expect(claims["scope"]?.items.count == 2)
            let issued = try #require(claims["iat"]?.number)
            #expect(claims["exp"] == .int(issued + 3_600))
        }
    }

    @Test("With openid an ID token comes, which echoes the nonce and binds the access token")
    func identityToken() async throws {
        try await withDemo { demo in
            let callback = try await Browser(demo).signIn(
                demo.authorize(scope: fullScope, ["nonce": "n-0S6_WzA2Mj"]))
            let tokens = try await demo.exchange(try #require(callback["code"])).json
            let claims = try part(1, of: try #require(tokens["id_token"]?.text))
            #expect(claims["nonce"] == .string("n-0S6_WzA2Mj"))
            #expect(claims["iss"] == .string(demo.server.issuer))
            #expect(claims["aud"] == .string(demo.server.configuration.clients[0].id))
            #expect(claims["at_hash"]?.text?.utf8.count == 22)
            #expect(claims["auth_time"]?.number != nil)

            let access = try #require(tokens["access_token"]?.text)
            let info = try await demo.api(demo.server.issuer + "/connect/userinfo", token: access)
            #expect(try info.json["sub"] == claims["sub"])
            #expect(try info.json["email"] == .string("alice@example.com"))
        }
    }

    @Test("Without offline_access no refresh token comes")
    func noRefreshToken() async throws {
        try await withDemo { demo in
            let tokens = try await demo.signIn(scope: "user_api.full_access")
            #expect(tokens["refresh_token"] == nil)
        }
    }

    @Test("A wrong password shows the page again with a message, and no session begins")
    func wrongPassword() async throws {
        try await withDemo { demo in
            let browser = Browser(demo)
            let again = try await browser.logIn(
                try await browser.open(demo.authorize()), password: "<script>")
            #expect(again.status == 400)
            #expect(again.text.contains("do not go together"))
            #expect(!again.text.contains("<script>"))
            #expect(again.all("set-cookie").isEmpty)
            #expect(try await browser.logIn(again).text.contains("Allow access?"))
        }
    }

    @Test("A form without the page's proof, or from another browser, is refused")
    func forgedForm() async throws {
        try await withDemo { demo in
            let browser = Browser(demo)
            let page = try await browser.open(demo.authorize())
            let fields = browser.hidden(page)
            let person = demo.server.configuration.people[0]
            let good = [("username", person.username), ("password", person.password)]
            let url = demo.server.issuer + "/account/login"
            let unproven = try await browser.send(
                "POST", url, form: fields.filter { $0.0 != "csrf" } + good)
            #expect(unproven.status == 403)
            let elsewhere = try await Browser(demo).send("POST", url, form: fields + good)
            #expect(elsewhere.status == 400)
            #expect(elsewhere.all("set-cookie").isEmpty)
        }
    }

    @Test("Pages run nothing, load nothing and let the form lead back to the application only")
    func pagePolicy() async throws {
        try await withDemo { demo in
            let page = try await Browser(demo).open(demo.authorize())
            let policy = try #require(page.header("content-security-policy"))
            #expect(policy.hasPrefix("default-src 'none'; style-src 'sha256-"))
            #expect(policy.contains("form-action 'self' http://localhost:3000;"))
            #expect(!page.text.contains("<script"))
        }
    }

    @Test("Saying no on the consent page sends access_denied back")
    func denied() async throws {
        try await withDemo { demo in
            let browser = Browser(demo)
            let consent = try await browser.logIn(try await browser.open(demo.authorize()))
            let back = try await browser.submit(
                consent, to: "/account/consent", [("decision", "deny")])
            let parameters = query(of: try #require(back.location))
            #expect(parameters["error"] == "access_denied")
            #expect(parameters["code"] == nil)
            #expect(parameters["iss"] == demo.server.issuer)
        }
    }

    @Test("A browser with a session is not asked again, unless the request says so")
    func sessions() async throws {
        try await withDemo { demo in
            let browser = Browser(demo)
            let silent = demo.authorize(["prompt": "none"])
            let refused = try await browser.open(silent)
            #expect(query(of: refused.location ?? "")["error"] == "login_required")
            _ = try await browser.signIn(demo.authorize())
            #expect(query(of: try await browser.open(silent).location ?? "")["code"] != nil)
            let again = try await browser.open(demo.authorize(["prompt": "login"]))
            #expect(again.text.contains("<title>Sign in"))
            let consent = try await browser.open(demo.authorize(["prompt": "consent"]))
            #expect(consent.text.contains("<title>Allow access?"))
        }
    }

    @Test(
        "An address to return to that is not registered is never redirected to",
        arguments: [
            "http://localhost:3000/callback/", "http://localhost:3000/other",
            "https://localhost:3000/callback", "http://localhost.example:3000/callback",
            "http://localhost:3000@example.com/callback", "http://localhost:99999/callback",
            "http://localhost:3000/callback#x", "http://example.com/callback",
        ])
    func unregisteredRedirect(uri: String) async throws {
        try await withDemo { demo in
            let reply = try await Browser(demo).open(demo.authorize(["redirect_uri": uri]))
            #expect(reply.status == 400)
            #expect(reply.location == nil)
        }
    }

    @Test("The port of a loopback address is free")
    func loopbackPorts() async throws {
        try await withDemo { demo in
            for uri in ["http://localhost/callback", "http://127.0.0.1:49152/callback"] {
                let reply = try await Browser(demo).open(demo.authorize(["redirect_uri": uri]))
                #expect(reply.status == 200)
            }
        }
    }

    @Test("A request without PKCE, with plain or with a foreign scope is told so by redirect")
    func refusedRequests() async throws {
        try await withDemo { demo in
            let cases: [([String: String?], String)] = [
                (["code_challenge": nil as String?], "invalid_request"),
                (["code_challenge_method": "plain"], "invalid_request"),
                (["code_challenge_method": nil as String?], "invalid_request"),
                (["scope": "user_api.full_access admin"], "invalid_scope"),
                (["response_type": "token"], "unsupported_response_type"),
                (["request": "e30.e30."], "request_not_supported"),
            ]
            for (change, error) in cases {
                let reply = try await Browser(demo).open(demo.authorize(change))
                let parameters = query(of: try #require(reply.location, "\(change)"))
                #expect(parameters["error"] == error)
                #expect(parameters["state"] == "a state")
            }
        }
    }
}
