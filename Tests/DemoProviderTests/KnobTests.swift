import AsyncHTTPClient
import DemoProvider
import FoundationEssentials
import Testing

@Suite("The demo's knobs")
struct KnobTests {
    @Test("The control endpoint wants its key and refuses what it does not know")
    func guarded() async throws {
        try await withDemo { demo in
            let keyless = try await demo.send("POST", demo.server.controlURL, body: "{}")
            #expect(keyless.status == 403)
            let misspelt = try await demo.control(#"{"outrage": true}"#)
            #expect(misspelt.status == 400)
            #expect(misspelt.error?.contains("outrage") == true)
            #expect(try await demo.control(#"{"graceSeconds": "5"}"#).status == 400)
            #expect(try await demo.control("{").status == 400)
            let set = try await demo.control(#"{"graceSeconds": 5, "rotation": "reuse"}"#)
            #expect(try set.json["graceSeconds"] == .int(5))
            #expect(try set.json["rotation"] == "reuse")
        }
    }

    @Test("Tests in the same process turn the same knobs and read the same counters")
    func inProcess() async throws {
        try await withDemo { demo in
            let token = try #require(try await demo.signIn()["refresh_token"]?.text)
            try await demo.server.control(#"{"tokenFaults": [{"kind": "status"}]}"#)
            #expect(try await demo.refresh(token).status == 503)
            #expect(try await JSONValue(demo.server.counters()) == demo.counters())
            await #expect(throws: DemoServer.ControlError.self) {
                try await demo.server.control(#"{"tokenFaults": [{"kind": "unheard of"}]}"#)
            }
        }
    }

    @Test("A connection dropped before processing leaves the refresh token good")
    func dropBefore() async throws {
        try await withDemo { demo in
            let token = try #require(try await demo.signIn()["refresh_token"]?.text)
            try await demo.control(#"{"tokenFaults": [{"kind": "dropBefore"}]}"#)
            await #expect(throws: HTTPClientError.self) { try await demo.refresh(token) }
            #expect(try await demo.refresh(token).status == 200)
        }
    }

    @Test(
        "An answer lost after the commit leaves the refresh token spent",
        arguments: ["dropAfterCommit", "halfBody", "statusAfterCommit"])
    func lostAnswer(kind: String) async throws {
        try await withDemo { demo in
            let token = try #require(try await demo.signIn()["refresh_token"]?.text)
            try await demo.control(#"{"tokenFaults": [{"kind": "\#(kind)"}]}"#)
            if kind == "statusAfterCommit" {
                #expect(try await demo.refresh(token).status == 503)
            } else {
                await #expect(throws: (any Error).self) { try await demo.refresh(token) }
            }
            #expect(try await demo.refresh(token).error == "invalid_grant")
            let refresh = try #require(try await demo.counters()["refresh"])
            #expect(refresh["reuseDetections"] == .int(1))
        }
    }

    @Test("Faults of status and body strike as many requests as asked, of one grant type")
    func statusFaults() async throws {
        try await withDemo { demo in
            let token = try #require(try await demo.signIn()["refresh_token"]?.text)
            try await demo.control(
                """
                {"tokenFaults": [
                  {"kind": "status", "status": 429, "retryAfter": "7", "count": 2,
                   "grantType": "refresh_token"},
                  {"kind": "html"}, {"kind": "empty400"},
                  {"kind": "status", "status": 401, "error": "invalid_client"}]}
                """)
            for _ in 0..<2 {
                let busy = try await demo.refresh(token)
                #expect(busy.status == 429)
                #expect(busy.all("retry-after") == ["7"])
            }
            let portal = try await demo.refresh(token)
            #expect(portal.status == 200)
            #expect(portal.header("content-type")?.hasPrefix("text/html") == true)
            let empty = try await demo.refresh(token)
            #expect(empty.status == 400 && empty.body.isEmpty)
            #expect(try await demo.refresh(token).error == "invalid_client")
            #expect(try await demo.refresh(token).status == 200)
        }
    }

    @Test("Requests in flight for one refresh token are counted, and only one of them wins")
    func concurrency() async throws {
        try await withDemo { demo in
            let token = try #require(try await demo.signIn()["refresh_token"]?.text)
            try await demo.control(#"{"tokenLatencyBeforeMilliseconds": 2000}"#)
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask { try await demo.refresh(token).status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.sorted() == [200, 400, 400, 400])
            let counters = try await demo.counters()
            #expect(counters["refresh"]?["maxConcurrent"] == .int(4))
            #expect(counters["refresh"]?["reuseDetections"] == .int(1))
            #expect(counters["grants"]?["refresh_token"] == .int(4))
            #expect(counters["endpoints"]?["POST /connect/token"] == .int(5))
        }
    }

    @Test("Faults of the API strike the next calls, and an unlock under one does nothing")
    func apiFaults() async throws {
        try await withDemo { demo in
            let token = try #require(try await demo.signIn()["access_token"]?.text)
            try await demo.control(
                """
                {"apiFaults": [{"kind": "status", "status": 401},
                  {"kind": "status", "status": 503, "retryAfter": "1"}, {"kind": "drop"}]}
                """)
            let door = "/v1.2/sites/\(harbour)/locks/\(frontDoor)"
            let refused = try await demo.api(
                door + "/locking", method: "PATCH", token: token,
                body: #"{"locked_state":"unlocked"}"#)
            #expect(refused.status == 401)
            #expect(refused.all("www-authenticate") == [#"Bearer error="invalid_token""#])
            #expect(try await demo.api(door, token: token).status == 503)
            await #expect(throws: HTTPClientError.self) { try await demo.api(door, token: token) }
            #expect(try await demo.api(door, token: token).json["locked_state"] == "locked")
        }
    }

    @Test("Revoked access tokens are refused while the refresh token lives on")
    func revokeAccessTokens() async throws {
        try await withDemo { demo in
            let tokens = try await demo.signIn()
            try await demo.control(#"{"revokeAllAccessTokens": true}"#)
            let access = try #require(tokens["access_token"]?.text)
            #expect(try await demo.api("/v1.2/me", token: access).status == 401)
            let next = try await demo.refresh(try #require(tokens["refresh_token"]?.text)).json
            let fresh = try #require(next["access_token"]?.text)
            #expect(try await demo.api("/v1.2/me", token: fresh).status == 200)
            try await demo.control(#"{"revokeAllFamilies": true}"#)
            let dead = try await demo.refresh(try #require(next["refresh_token"]?.text))
            #expect(dead.error == "invalid_grant")
        }
    }

    @Test("After a turn of the signing key both keys are published and old tokens still work")
    func keyRotation() async throws {
        try await withDemo { demo in
            let old = try #require(try await demo.signIn()["access_token"]?.text)
            try await demo.control(#"{"rotateSigningKey": true}"#)
            let new = try #require(try await demo.signIn()["access_token"]?.text)
            #expect(try part(0, of: old)["kid"] != part(0, of: new)["kid"])
            let keys = try await demo.send(
                "GET", demo.server.issuer + "/.well-known/openid-configuration/jwks")
            #expect(try keys.json["keys"]?.items.count == 2)
            #expect(try await demo.api("/v1.2/me", token: old).status == 200)
            #expect(try await demo.api("/v1.2/me", token: new).status == 200)
        }
    }

    @Test("An outage is 404 on every path but the control endpoint's, and it ends")
    func outage() async throws {
        try await withDemo { demo in
            let tokens = try await demo.signIn()
            let access = try #require(tokens["access_token"]?.text)
            try await demo.control(#"{"outage": true}"#)
            #expect(try await demo.api("/v1.2/me", token: access).status == 404)
            let refresh = try #require(tokens["refresh_token"]?.text)
            #expect(try await demo.refresh(refresh).status == 404)
            try await demo.control(#"{"outage": false}"#)
            #expect(try await demo.refresh(refresh).status == 200)
        }
    }

    @Test("The request log tells each request and no secret")
    func requestLog() async throws {
        let path = FileManager.default.temporaryDirectory
            .appendingPathComponent("demo-log-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await withDemo {
            $0.requestLogPath = path
        } _: { demo in
            let callback = try await Browser(demo).signIn(demo.authorize())
            let code = try #require(callback["code"])
            let tokens = try await demo.exchange(code).json
            let refresh = try #require(tokens["refresh_token"]?.text)
            let access = try #require(tokens["access_token"]?.text)
            _ = try await demo.refresh(refresh)
            _ = try await demo.api("/v1.2/me", token: access)
            let log = String(
                decoding: try #require(FileManager.default.contents(atPath: path)), as: UTF8.self)
            #expect(log.contains("GET /connect/authorize?response%5Ftype=code&scope="))
            #expect(log.contains("code=…"))
            #expect(log.contains("GET /api/v1.2/me authorization: Bearer … -> 200"))
            let password = demo.server.configuration.people[0].password
            for secret in [code, refresh, access, sampleVerifier, password] {
                #expect(!log.contains(secret))
            }
        }
    }

    @Test("A port that is taken is told as such")
    func portTaken() async throws {
        try await withDemo { demo in
            var configuration = DemoServer.Configuration()
            configuration.port = try #require(
                demo.server.issuer.split(separator: ":").last.flatMap { Int($0) })
            let taken = configuration
            await #expect(throws: DemoServer.StartError.self) {
                let second = try await DemoServer.start(taken)
                await second.stop()
            }
        }
    }
}
