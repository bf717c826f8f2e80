import AuthModels
import OpenIDConnect
import Testing

@testable import struct OpenIDConnect.PKCE

@Suite("PKCE")
struct PKCETests {
    @Test("The vector of RFC 7636 appendix B")
    func vector() {
        let pkce = PKCE(verifier: .init(text: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
        #expect(pkce.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")
    }

    @Test("Case 22: verifier and challenge are 43 characters of the right alphabet")
    func shape() throws {
        let pkce = try PKCE(random: SystemRandom())
        #expect(pkce.challenge.utf8.count == 43)
        #expect(pkce.verifier.bytes.count == 43)
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        #expect(pkce.verifier.reveal().allSatisfy(alphabet.contains))
    }

    @Test("The verifier never prints")
    func redacted() throws {
        let pkce = try PKCE(random: SystemRandom())
        var dumped = ""
        dump(pkce, to: &dumped)
        #expect(!dumped.contains(pkce.verifier.reveal()))
        #expect(!"\(pkce) \(String(reflecting: pkce))".contains(pkce.verifier.reveal()))
    }
}

@Suite("Authorization request")
struct AuthorizationRequestTests {
    @Test("The four parameters of the flow stand first, byte for byte")
    func wire() throws {
        let request = try Samples.request()
        let fixed =
            "https://id.example.test/connect/authorize?response_type=code"
            + "&scope=user_api.full_access+offline_access"
            + "&client_id=73e9cf0d-561a-11e9-9b32-000d3a46a880"
            + "&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback"
        #expect(
            request.url.rawValue == fixed + "&code_challenge=\(request.pkce.challenge)"
                + "&code_challenge_method=S256&state=\(request.state)")
        #expect(request.nonce == nil)
        #expect(!request.expectsIDToken)
    }

    @Test("With openid a nonce is sent, then the optional parameters")
    func openID() throws {
        let request = try Samples.request(
            registration: Samples.registration(scope: "openid a", prompt: "login"),
            extra: .init(prompt: "consent", maxAge: 60, loginHint: "a+b@c", acrValues: "x y"))
        let nonce = try #require(request.nonce)
        #expect(
            request.url.rawValue.hasSuffix(
                "&state=\(request.state)&nonce=\(nonce)&prompt=consent&max_age=60"
                    + "&login_hint=a%2Bb%40c&acr_values=x+y"))
    }

    @Test("The registration's own prompt is sent where the call names none")
    func prompt() throws {
        let request = try Samples.request(registration: Samples.registration(prompt: "consent"))
        #expect(request.url.rawValue.hasSuffix("&prompt=consent"))
    }

    @Test("The port that was bound is the one that is sent")
    func boundPort() throws {
        var registration = try Samples.registration()
        registration.redirectURI = try RedirectURI("http://127.0.0.1:0/cb")
        let request = try AuthorizationRequest(
            registration: registration, redirectURI: registration.redirectURI.bound(to: 50_123),
            metadata: Samples.metadata(), random: SystemRandom())
        #expect(request.url.rawValue.contains("&redirect_uri=http%3A%2F%2F127.0.0.1%3A50123%2Fcb&"))
    }

    @Test("A query that the endpoint has already is kept, unless it sets a parameter of ours")
    func existingQuery() throws {
        let registration = try Samples.registration()
        func request(_ endpoint: String) throws -> AuthorizationRequest {
            var metadata = try Samples.metadata()
            metadata.endpoints.authorization = try WebURL(endpoint)
            return try AuthorizationRequest(
                registration: registration, redirectURI: registration.redirectURI,
                metadata: metadata, random: SystemRandom())
        }
        #expect(
            try request("https://h.test/a?tenant=7").url.rawValue
                .hasPrefix("https://h.test/a?tenant=7&response_type=code&"))
        #expect(
            try request("https://h.test/a?").url.rawValue
                .hasPrefix("https://h.test/a?response_type=code&"))
        for query in [
            "state=1", "x=1&client%5Fid=other", "code_challenge_method=plain", "request_uri=urn:x",
            "response_mode=fragment",
        ] {
            #expect(
                errorOf { try request("https://h.test/a?" + query) }?.kind == "discoveryInvalid")
        }
    }

    @Test("Case 22: 10,000 requests share no state, nonce or verifier")
    func unique() throws {
        var seen: Set<String> = []
        let registration = try Samples.registration(scope: "openid")
        for _ in 0..<10_000 {
            let request = try Samples.request(registration: registration)
            let nonce = try #require(request.nonce)
            for text in [request.state, nonce, request.pkce.verifier.reveal()] {
                #expect(text.utf8.count == 43)
                seen.insert(text)
            }
            #expect(request.pkce.challenge.utf8.count == 43)
        }
        #expect(seen.count == 30_000)
    }

    @Test(
        "Case 22: without randomness there is no request, a short read included",
        arguments: [nil, 0, 16, 31, 33])
    func noRandomness(bytesGiven: Int?) throws {
        let registration = try Samples.registration()
        let metadata = try Samples.metadata()
        let error = errorOf {
            try AuthorizationRequest(
                registration: registration, redirectURI: registration.redirectURI,
                metadata: metadata, random: BrokenRandom(bytesGiven: bytesGiven))
        }
        #expect(error == .randomnessUnavailable)
    }
}
