import DemoProvider
import Testing

@Suite("The demo provider's token endpoint")
struct TokenTests {
    @Test("A wrong verifier buys nothing, and spends the code")
    func wrongVerifier() async throws {
        try await withDemo { demo in
            let callback = try await Browser(demo).signIn(demo.authorize())
            let code = try #require(callback["code"])
            let wrong = try await demo.exchange(code, verifier: String(repeating: "a", count: 43))
            #expect(wrong.status == 400)
            #expect(wrong.error == "invalid_grant")
            #expect(try await demo.exchange(code).error == "invalid_grant")
        }
    }

    @Test("A code that comes twice revokes what it bought")
    func codeReuse() async throws {
        try await withDemo { demo in
            let callback = try await Browser(demo).signIn(demo.authorize())
            let code = try #require(callback["code"])
            let tokens = try await demo.exchange(code).json
            let access = try #require(tokens["access_token"]?.text)
            #expect(try await demo.api("/v1.2/me", token: access).status == 200)
            #expect(try await demo.exchange(code).error == "invalid_grant")
            #expect(try await demo.api("/v1.2/me", token: access).status == 401)
            let dead = try await demo.refresh(try #require(tokens["refresh_token"]?.text))
            #expect(dead.error == "invalid_grant")
            #expect(try await demo.counters()["codeReuses"] == .int(1))
        }
    }

    @Test("A refresh token is spent by its use, and its reuse kills the family")
    func reuseDetection() async throws {
        try await withDemo { demo in
            let first = try #require(try await demo.signIn()["refresh_token"]?.text)
            let answer = try await demo.refresh(first).json
            let second = try #require(answer["refresh_token"]?.text)
            #expect(second != first)
            let access = try #require(answer["access_token"]?.text)
            let reused = try await demo.refresh(first)
            #expect(reused.status == 400)
            #expect(reused.error == "invalid_grant")
            #expect(try await demo.refresh(second).error == "invalid_grant")
            #expect(try await demo.api("/v1.2/me", token: access).status == 401)
            let refresh = try #require(try await demo.counters()["refresh"])
            #expect(refresh["reuseDetections"] == .int(1))
        }
    }

    @Test("Within the grace a spent refresh token still buys")
    func grace() async throws {
        try await withDemo {
            $0.graceSeconds = 600
        } _: { demo in
            let first = try #require(try await demo.signIn()["refresh_token"]?.text)
            let one = try await demo.refresh(first).json["refresh_token"]?.text
            let two = try await demo.refresh(first).json["refresh_token"]?.text
            #expect(one != nil && two != nil && one != two)
            #expect(try await demo.refresh(try #require(one)).status == 200)
        }
    }

    @Test("In the mode reuse the same refresh token stays valid")
    func reuseMode() async throws {
        try await withDemo {
            $0.rotation = .reuse
        } _: { demo in
            let token = try #require(try await demo.signIn()["refresh_token"]?.text)
            for _ in 0..<3 {
                let answer = try await demo.refresh(token)
                #expect(try answer.json["refresh_token"] == .string(token))
            }
        }
    }

    @Test("A refreshed ID token names the same person and sign-in, without the nonce")
    func refreshedIdentity() async throws {
        try await withDemo { demo in
            let callback = try await Browser(demo).signIn(
                demo.authorize(scope: fullScope, ["nonce": "once"]))
            let before = try await demo.exchange(try #require(callback["code"])).json
            let after = try await demo.refresh(
                try #require(before["refresh_token"]?.text)
            ).json
            let old = try part(1, of: try #require(before["id_token"]?.text))
            let new = try part(1, of: try #require(after["id_token"]?.text))
            #expect(new["sub"] == old["sub"])
            #expect(new["auth_time"] == old["auth_time"])
            #expect(old["nonce"] == .string("once"))
            #expect(new["nonce"] == nil)
        }
    }

    @Test("The documented Basic header authenticates the confidential client")
    func confidentialClient() async throws {
        try await withDemo { demo in
            let callback = try await Browser(demo).signIn(
                demo.authorize(["client_id": "client_id"]))
            let form = [
                ("grant_type", "authorization_code"), ("code", try #require(callback["code"])),
                ("redirect_uri", sampleRedirect), ("code_verifier", sampleVerifier),
            ]
            let url = demo.server.issuer + "/connect/token"
            let basic = [("Authorization", "Basic Y2xpZW50X2lkOmNsaWVudF9pZF9zZWNydGV0")]
            let bought = try await demo.post(url, form: form, headers: basic)
            #expect(bought.status == 200)
            let token = try #require(try bought.json["refresh_token"]?.text)
            let posted = try await demo.post(
                url,
                form: [
                    ("grant_type", "refresh_token"), ("refresh_token", token),
                    ("client_id", "client_id"), ("client_secret", "client_id_secrtet"),
                ])
            #expect(posted.status == 200)
        }
    }

    @Test("Every refused client is a 400 in JSON, and both ways of authentication at once are too")
    func refusedClients() async throws {
        try await withDemo { demo in
            let url = demo.server.issuer + "/connect/token"
            let form = [("grant_type", "refresh_token"), ("refresh_token", "x")]
            let id = demo.server.configuration.clients[0].id
            // client_id:wrong, then 73e9cf0d-…:x
            let wrong = [("Authorization", "Basic Y2xpZW50X2lkOndyb25n")]
            let basic = [("Authorization", "Basic Y2xpZW50X2lkOmNsaWVudF9pZF9zZWNydGV0")]
            let cases: [([(String, String)], [(String, String)], String)] = [
                ([], [], "invalid_client"),
                ([("client_id", "nobody")], [], "invalid_client"),
                ([("client_id", "client_id")], [], "invalid_client"),
                ([("client_id", id), ("client_secret", "x")], [], "invalid_client"),
                ([], wrong, "invalid_client"),
                ([("client_id", id)], basic, "invalid_client"),
                ([("client_secret", "client_id_secrtet")], basic, "invalid_request"),
                ([("client_id", id), ("client_id", id)], [], "invalid_request"),
            ]
            for (extra, headers, error) in cases {
                let reply = try await demo.post(url, form: form + extra, headers: headers)
                #expect(reply.status == 400)
                #expect(reply.error == error, "\(extra) \(headers)")
            }
        }
    }

    @Test("Wrong requests get their own error")
    func wrongRequests() async throws {
        try await withDemo { demo in
            #expect(try await demo.token([]).error == "invalid_request")
            let password = try await demo.token([("grant_type", "password")])
            #expect(password.error == "unsupported_grant_type")
            let token = try #require(try await demo.signIn()["refresh_token"]?.text)
            let wider = try await demo.token([
                ("grant_type", "refresh_token"), ("refresh_token", token), ("scope", "openid"),
            ])
            #expect(wider.error == "invalid_scope")
            #expect(try await demo.refresh(token).status == 200)
        }
    }

    @Test("Revoking a refresh token ends its family; an unknown token is no error")
    func revocation() async throws {
        try await withDemo { demo in
            let tokens = try await demo.signIn()
            let refresh = try #require(tokens["refresh_token"]?.text)
            let access = try #require(tokens["access_token"]?.text)
            let url = demo.server.issuer + "/connect/revocation"
            let id = demo.server.configuration.clients[0].id
            for token in ["unknown", refresh] {
                let reply = try await demo.post(url, form: [("token", token), ("client_id", id)])
                #expect(reply.status == 200)
            }
            #expect(try await demo.refresh(refresh).error == "invalid_grant")
            #expect(try await demo.api("/v1.2/me", token: access).status == 401)
        }
    }

    @Test("Only a good hint lets the end of the session lead back to the application")
    func endSession() async throws {
        try await withDemo { demo in
            let browser = Browser(demo)
            let callback = try await browser.signIn(demo.authorize(scope: fullScope))
            let tokens = try await demo.exchange(try #require(callback["code"])).json
            let hint = try #require(tokens["id_token"]?.text)
            let url = demo.server.issuer + "/connect/endsession?"
            let back = "http://localhost:3000/signed-out"
            let asked = try await browser.send(
                "GET", url + encode([("post_logout_redirect_uri", back)]))
            #expect(asked.text.contains("Sign out?"))
            let parameters = [
                ("id_token_hint", hint), ("post_logout_redirect_uri", back), ("state", "s"),
            ]
            let ended = try await browser.send("GET", url + encode(parameters))
            #expect(ended.location == back + "?state=s")
            let next = try await browser.open(demo.authorize(["prompt": "none"]))
            #expect(query(of: next.location ?? "")["error"] == "login_required")
        }
    }
}
