import Crypto
import DemoProvider
import FoundationEssentials
import Testing

@Suite("The demo provider's tokens bound to a key")
struct DPoPTests {
    private let key = P256.Signing.PrivateKey()

    private func proof(
        _ method: String, _ url: String, changing changes: [String: String?] = [:],
        token: String? = nil, header: [String: String] = [:],
        by other: P256.Signing.PrivateKey? = nil
    ) throws -> (String, String) {
        let point = key.publicKey.rawRepresentation
        let x = text(point.prefix(32))
        let y = text(point.suffix(32))
        var head = [
            "typ": #""dpop+jwt""#, "alg": #""ES256""#,
            "jwk": #"{"kty":"EC","crv":"P-256","x":"\#(x)","y":"\#(y)"}"#,
        ]
        head.merge(header) { $1 }
        var claims: [String: String?] = [
            "jti": #""\#(UUID().uuidString)""#, "htm": #""\#(method)""#, "htu": #""\#(url)""#,
            "iat": "\(Int(Date().timeIntervalSince1970))",
            "ath": token.map { #""\#(text(SHA256.hash(data: Data($0.utf8))))""# },
        ]
        claims.merge(changes) { $1 }
        let parts = [object(head), object(claims.compactMapValues { $0 })].map { text($0.utf8) }
        let signed = parts.joined(separator: ".")
        let signature = try (other ?? key).signature(for: Data(signed.utf8))
        return ("DPoP", signed + "." + text(signature.rawRepresentation))
    }

    private func object(_ members: [String: String]) -> String {
        "{" + members.map { #""\#($0.key)":\#($0.value)"# }.joined(separator: ",") + "}"
    }

    private func text(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private func tokenURL(_ demo: Demo) -> String { demo.server.issuer + "/connect/token" }

    private func buy(
        _ demo: Demo, _ form: [(String, String)], _ proof: (String, String)?
    ) async throws -> Reply {
        let id = [("client_id", demo.server.configuration.clients[0].id)]
        return try await demo.post(
            tokenURL(demo), form: form + id, headers: proof.map { [$0] } ?? [])
    }

    private func refresh(
        _ demo: Demo, _ token: String, _ proof: (String, String)?
    ) async throws -> Reply {
        try await buy(
            demo, [("grant_type", "refresh_token"), ("refresh_token", token)], proof)
    }

    private func signIn(_ demo: Demo) async throws -> JSONValue {
        let callback = try await Browser(demo).signIn(demo.authorize())
        let reply = try await buy(
            demo,
            [
                ("grant_type", "authorization_code"), ("code", try #require(callback["code"])),
                ("redirect_uri", sampleRedirect), ("code_verifier", sampleVerifier),
            ], proof("POST", tokenURL(demo)))
        try #require(reply.status == 200, "\(reply.text)")
        return try reply.json
    }

    private func me(
        _ demo: Demo, _ token: String, scheme: String = "DPoP", _ proof: (String, String)?
    ) async throws -> Reply {
        try await demo.send(
            "GET", demo.server.apiURL + "/v1.2/me",
            headers: [("Authorization", "\(scheme) \(token)")] + (proof.map { [$0] } ?? []))
    }

    @Test("A proof binds the tokens to its key; without it they are of no use")
    func bound() async throws {
        try await withDemo { demo in
            let tokens = try await signIn(demo)
            #expect(tokens["token_type"] == "DPoP")
            let access = try #require(tokens["access_token"]?.text)
            #expect(try part(1, of: access)["cnf"]?["jkt"]?.text?.utf8.count == 43)
            let url = demo.server.apiURL + "/v1.2/me"
            let good = try proof("GET", url, token: access)
            #expect(try await me(demo, access, good).status == 200)
            #expect(try await me(demo, access, good).status == 401, "a proof is taken once")
            #expect(try await me(demo, access, nil).status == 401)
            #expect(try await me(demo, access, scheme: "Bearer", nil).status == 401)
            #expect(
                try await me(demo, access, scheme: "Bearer", proof("GET", url, token: access))
                    .status == 401)
            let refreshToken = try #require(tokens["refresh_token"]?.text)
            #expect(try await refresh(demo, refreshToken, nil).error == "invalid_grant")
            let other = DPoPTests()
            let stolen = try await refresh(
                demo, refreshToken, other.proof("POST", tokenURL(demo)))
            #expect(stolen.error == "invalid_grant")
            let mine = try await refresh(demo, refreshToken, proof("POST", tokenURL(demo)))
            #expect(mine.status == 200, "and neither attempt spent it")
        }
    }

    @Test("A proof that is wrong in one thing is refused for it")
    func wrong() async throws {
        try await withDemo { demo in
            let access = try #require(try await signIn(demo)["access_token"]?.text)
            let url = demo.server.apiURL + "/v1.2/me"
            let now = Int(Date().timeIntervalSince1970)
            let changes: [[String: String?]] = [
                ["htm": #""POST""#], ["htu": #""\#(url)?x=1""#], ["htu": #""\#(url)/""#],
                ["iat": "\(now - 300)"], ["iat": "\(now + 300)"], ["iat": nil], ["jti": nil],
                ["jti": #""x""#], ["ath": nil], ["ath": #""x""#],
            ]
            for change in changes {
                let bad = try proof("GET", url, changing: change, token: access)
                let reply = try await me(demo, access, bad)
                #expect(reply.status == 401, "\(change)")
                #expect(
                    reply.header("www-authenticate")?.contains(#"DPoP error="invalid_dpop_proof""#)
                        == true)
            }
            for header in [["typ": #""JWT""#], ["alg": #""none""#], ["alg": #""HS256""#]] {
                let bad = try proof("GET", url, token: access, header: header)
                #expect(try await me(demo, access, bad).status == 401, "\(header)")
            }
            let forged = try proof("GET", url, token: access, by: P256.Signing.PrivateKey())
            #expect(try await me(demo, access, forged).status == 401)
            let good = try proof("GET", url, token: access)
            #expect(try await me(demo, access, good).status == 200)
        }
    }

    @Test("A code that was asked for with a thumbprint is redeemed by that key alone")
    func boundCode() async throws {
        try await withDemo { demo in
            let url = demo.authorize(
                scope: apiScope, ["dpop_jkt": String(repeating: "a", count: 43)])
            let callback = try await Browser(demo).signIn(url)
            let form = [
                ("grant_type", "authorization_code"), ("code", try #require(callback["code"])),
                ("redirect_uri", sampleRedirect), ("code_verifier", sampleVerifier),
            ]
            let reply = try await buy(demo, form, proof("POST", tokenURL(demo)))
            #expect(reply.error == "invalid_grant")
        }
    }

    @Test("Nonces are asked for by a refusal that spends nothing, and come with every answer")
    func nonces() async throws {
        try await withDemo { demo in
            let first = try #require(try await signIn(demo)["refresh_token"]?.text)
            try await demo.control(#"{"dpopNonceAtToken": true, "dpopNonceRotates": true}"#)
            let url = tokenURL(demo)
            let refused = try await refresh(demo, first, proof("POST", url))
            #expect(refused.status == 400 && refused.error == "use_dpop_nonce")
            let nonce = try #require(refused.header("dpop-nonce"))
            let quoted = #""\#(nonce)""#
            let taken = try await refresh(
                demo, first, proof("POST", url, changing: ["nonce": quoted]))
            #expect(taken.status == 200)
            #expect(taken.header("dpop-nonce") != nonce && taken.header("dpop-nonce") != nil)
            let second = try #require(try taken.json["refresh_token"]?.text)
            let again = try await refresh(
                demo, second, proof("POST", url, changing: ["nonce": quoted]))
            #expect(again.error == "use_dpop_nonce", "each is good once")
            try await demo.control(#"{"dpopAlwaysChallenges": true}"#)
            let latest = try #require(again.header("dpop-nonce"))
            let never = try await refresh(
                demo, second, proof("POST", url, changing: ["nonce": #""\#(latest)""#]))
            #expect(never.error == "use_dpop_nonce")
        }
    }

    @Test("The API wants nonces of its own")
    func apiNonces() async throws {
        try await withDemo { demo in
            let access = try #require(try await signIn(demo)["access_token"]?.text)
            try await demo.control(#"{"dpopNonceAtAPI": true}"#)
            let url = demo.server.apiURL + "/v1.2/me"
            let refused = try await me(demo, access, proof("GET", url, token: access))
            #expect(refused.status == 401)
            #expect(
                refused.header("www-authenticate")?.contains(#"DPoP error="use_dpop_nonce""#)
                    == true)
            let nonce = #""\#(try #require(refused.header("dpop-nonce")))""#
            for _ in 0..<2 {
                let proof = try proof("GET", url, changing: ["nonce": nonce], token: access)
                #expect(try await me(demo, access, proof).status == 200)
            }
        }
    }
}
