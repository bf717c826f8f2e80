import DemoProvider
import Testing

@Suite("The demo's KS Connect API")
struct APITests {
    private func accessToken(_ demo: Demo) async throws -> String {
        try #require(try await demo.signIn()["access_token"]?.text)
    }

    @Test("Lists lead from page to page until all items have come")
    func pages() async throws {
        try await withDemo { demo in
            let token = try await accessToken(demo)
            var next: String? = "/v1.2/sites/\(harbour)/locks"
            var names: [String?] = []
            var pages = 0
            while let address = next {
                let page = try await demo.api(address, token: token).json
                #expect(page["count"] == .int(5))
                names += page["items"]?.items.map { $0["customer_reference"]?.text } ?? []
                next = page["next_page_link"]?.text
                pages += 1
            }
            #expect(pages == 2)
            #expect(
                names == ["Front door", "Meeting room", "Bicycle shed", "Roof terrace", "Vault"])
        }
    }

    @Test("An unlocked door is open, and the newest entry tells who opened it")
    func unlock() async throws {
        try await withDemo {
            $0.doorOpenSeconds = 600
        } _: { demo in
            let token = try await accessToken(demo)
            let door = "/v1.2/sites/\(harbour)/locks/\(frontDoor)"
            #expect(try await demo.api(door, token: token).json["locked_state"] == "locked")
            let done = try await demo.api(
                door + "/locking", method: "PATCH", token: token,
                body: #"{"locked_state":"unlocked"}"#)
            #expect(done.status == 204)
            #expect(try await demo.api(door, token: token).json["locked_state"] == "unlocked")
            let list = "/v1.1/sites/\(harbour)/entries?$top=1&$orderby=utc_date_time%20desc"
            let entry = try await demo.api(list, token: token).json["items"]?.items.first
            #expect(entry?["lock_id"] == .string(frontDoor))
            #expect(entry?["user_first_name"] == "Alice")
            #expect(entry?["event_detail"] == "unlocked_remotely")
        }
    }

    @Test("A one-time password that is missing, wrong or guessed too often has its own error")
    func oneTimePasswords() async throws {
        try await withDemo { demo in
            let token = try await accessToken(demo)
            let path = "/v1.2/sites/\(harbour)/locks/\(vault)/locking"
            func change(_ otp: String?) async throws -> Reply {
                let extra = otp.map { #", "otp":"\#($0)""# } ?? ""
                return try await demo.api(
                    path, method: "PATCH", token: token,
                    body: #"{"locked_state":"unlocked"\#(extra)}"#)
            }
            let missing = try await change(nil)
            #expect(missing.status == 404)
            #expect(try missing.json["ErrorCode"] == .int(2_202))
            #expect(try await change(demo.server.configuration.oneTimePassword).status == 204)
            for _ in 0..<3 {
                let wrong = try await change("0")
                #expect(wrong.status == 400)
                #expect(try wrong.json["Message"] == "otp_invalid")
            }
            let blocked = try await change(demo.server.configuration.oneTimePassword)
            #expect(blocked.status == 403)
            #expect(try blocked.json["ErrorCode"] == .int(3_102))
            #expect(try blocked.json["Message"] == "otp_blocked")
        }
    }

    @Test("No token, a broken one and an expired one are 401 with a challenge")
    func unauthorized() async throws {
        try await withDemo { demo in
            let bare = try await demo.send("GET", demo.server.apiURL + "/v1.2/me")
            #expect(bare.status == 401)
            #expect(bare.all("www-authenticate") == ["Bearer"])
            #expect(try bare.json["ErrorCode"] == .int(401))
            let good = try await accessToken(demo)
            try await demo.control(#"{"accessTokenLifetimeSeconds": 0}"#)
            let expired = try await accessToken(demo)
            for token in ["x", good + "x", expired] {
                let reply = try await demo.api("/v1.2/me", token: token)
                #expect(reply.status == 401)
                let challenge = reply.header("www-authenticate")
                #expect(challenge?.hasPrefix(#"Bearer error="invalid_token""#) == true)
            }
            #expect(try await demo.api("/v1.2/me", token: good).status == 200)
        }
    }

    @Test("A token without the API's scope is 403 insufficient_scope")
    func insufficientScope() async throws {
        try await withDemo { demo in
            let token = try #require(try await demo.signIn(scope: "openid")["access_token"]?.text)
            let reply = try await demo.api("/v1.2/me", token: token)
            #expect(reply.status == 403)
            let challenge = try #require(reply.header("www-authenticate"))
            #expect(challenge.contains(#"error="insufficient_scope""#))
        }
    }

    @Test("Sites come as a list or as a bare array, and only those that the person may open")
    func sites() async throws {
        try await withDemo {
            $0.people.reverse()
            $0.apiOnOwnPort = true
        } _: { demo in
            #expect(!demo.server.apiURL.hasPrefix(demo.server.issuer))
            let token = try await accessToken(demo)
            let list = try await demo.api("/v1.2/sites", token: token).json
            #expect(list["items"]?.items.map { $0["customer_reference"] } == ["Old Mill"])
            try await demo.control(#"{"sitesAsBareArray": true}"#)
            #expect(try await demo.api("/v1.2/sites", token: token).json.items.count == 1)
            let foreign = try await demo.api("/v1.2/sites/\(harbour)", token: token)
            #expect(foreign.status == 404)
        }
    }

    @Test("Entries exist in version 1.1 only")
    func entriesVersion() async throws {
        try await withDemo { demo in
            let token = try await accessToken(demo)
            let reply = try await demo.api("/v1.2/sites/\(harbour)/entries", token: token)
            #expect(reply.status == 405)
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral {
    init(stringLiteral value: String) { self = .string(value) }
}
