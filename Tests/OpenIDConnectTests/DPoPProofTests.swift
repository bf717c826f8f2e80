import AuthModels
import Crypto
import FoundationEssentials
import HTTPTypes
import Testing

@testable import OpenIDConnect

@Suite("DPoP proofs")
struct DPoPProofTests {
    static let url = "https://id.example.test:8443/connect/token?x=1"

    private func key() throws -> DPoPKey { try DPoPKey(random: SystemRandom()) }

    private func proof(
        _ key: DPoPKey, method: HTTPRequest.Method = .post, url: String = Self.url,
        accessToken: AccessToken? = nil, nonce: DPoPNonce? = nil
    ) throws -> String {
        var exchange = HTTPExchange(method, try WebURL(url))
        try DPoPProof.add(
            to: &exchange.request, key: key, accessToken: accessToken, nonce: nonce,
            now: Samples.now.addingTimeInterval(0.9), random: SystemRandom())
        let name = try Samples.required(HTTPField.Name("DPoP"))
        #expect(exchange.request.headerFields[values: name].count == 1)
        return try Samples.required(exchange.request.headerFields[name])
    }

    /// Header and claims of a proof whose signature is the key's own.
    private func opened(_ proof: String) throws -> (header: JSONValue, claims: JSONValue) {
        let parts = proof.split(separator: ".", omittingEmptySubsequences: false)
        #expect(parts.count == 3)
        let header = try JSONDocument.parse(Samples.required(Base64URL.decode(parts[0].utf8)))
        let claims = try JSONDocument.parse(Samples.required(Base64URL.decode(parts[1].utf8)))
        let jwk = try Samples.required(JSONWebKey(Samples.required(header["jwk"])))
        let signature = try Samples.required(Base64URL.decode(parts[2].utf8))
        #expect(signature.count == 64)
        let signed = Array("\(parts[0]).\(parts[1])".utf8)
        #expect(jwk.key.isValid(signature, over: signed, .es256))
        return (header, claims)
    }

    @Test("A proof for the token endpoint says what RFC 9449 §4.2 asks for, and no more")
    func tokenEndpoint() throws {
        let (header, claims) = try opened(proof(try key()))
        #expect(header.object?.members.map(\.name) == ["typ", "alg", "jwk"])
        #expect(header["typ"] == .string("dpop+jwt") && header["alg"] == .string("ES256"))
        #expect(header["jwk"]?.object?.members.map(\.name) == ["crv", "kty", "x", "y"])
        #expect(claims.object?.members.map(\.name) == ["jti", "htm", "htu", "iat"])
        #expect(claims["htm"] == .string("POST"))
        #expect(claims["htu"] == .string("https://id.example.test:8443/connect/token"))
        #expect(claims["iat"]?.number?.text == "1800000000")
        #expect(claims["jti"]?.string?.utf8.count == 22, "128 random bits")
    }

    @Test("A proof for an API names its token by the digest of RFC 9449 §7.1, and the nonce")
    func api() throws {
        let token = try Samples.required(AccessToken("Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"))
        let (_, claims) = try opened(
            proof(
                try key(), method: .get, url: "https://api.example.test", accessToken: token,
                nonce: DPoPNonce("eyJ7S_zG.eyJH0-Z.HX4w-7v")))
        #expect(claims["ath"] == .string("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"))
        #expect(claims["nonce"] == .string("eyJ7S_zG.eyJH0-Z.HX4w-7v"))
        #expect(claims["htm"] == .string("GET"))
        #expect(claims["htu"] == .string("https://api.example.test/"))
    }

    @Test("Case 85: each proof has an identifier of its own")
    func identifiers() throws {
        let key = try key()
        let identifiers = try (0..<200).map { _ in
            try Samples.required(opened(proof(key)).claims["jti"]?.string)
        }
        #expect(Set(identifiers).count == 200)
    }

    @Test(
        "Case 22: without randomness there is no key and no proof, and the request stays as it was")
    func broken() throws {
        for random in [BrokenRandom(), BrokenRandom(bytesGiven: 8)] {
            #expect(throws: RandomnessUnavailable.self) { try DPoPKey(random: random) }
            var request = HTTPExchange(.get, try WebURL(Self.url)).request
            let before = request
            let key = try key()
            let error = errorOf {
                try DPoPProof.add(
                    to: &request, key: key, accessToken: nil, nonce: nil, now: Samples.now,
                    random: random)
            }
            #expect(error == .randomnessUnavailable && request == before)
        }
    }

    @Test("A proof that the caller put in is replaced")
    func replaced() throws {
        var request = HTTPExchange(
            .get, try WebURL(Self.url),
            headers: [try Samples.required(HTTPField.Name("dpop")): "forged"]
        ).request
        try DPoPProof.add(
            to: &request, key: key(), accessToken: nil, nonce: nil, now: Samples.now,
            random: SystemRandom())
        let name = try Samples.required(HTTPField.Name("DPoP"))
        #expect(request.headerFields[values: name].count == 1)
        #expect(request.headerFields[name]?.contains("forged") == false)
    }
}

@Suite("DPoP keys")
struct DPoPKeyTests {
    @Test("Thumbprints are those of RFC 7638 §3.1 and RFC 9449 §6.1")
    func thumbprints() {
        let modulus =
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc"
            + "_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQ"
            + "R0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bF"
            + "TWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        #expect(
            JWKThumbprint.make(of: [("n", modulus), ("kty", "RSA"), ("e", "AQAB")])
                == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
        #expect(
            JWKThumbprint.make(of: [
                ("kty", "EC"), ("x", "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs"),
                ("y", "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA"), ("crv", "P-256"),
            ]) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I")
    }

    @Test("The key of RFC 7515 A.3 has the public half that stands there")
    func publicHalf() throws {
        let scalar = try Samples.required(
            Base64URL.decode("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI".utf8))
        let key = try Samples.required(DPoPKey(SecretBytes(scalar)))
        #expect(
            try key.publicJWK()
                == #"{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#
                + #""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#)
        #expect(
            try key.thumbprint()
                == JWKThumbprint.make(of: [
                    ("crv", "P-256"), ("kty", "EC"),
                    ("x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
                    ("y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
                ]))
    }

    @Test("What is no scalar of the curve is no key")
    func scalars() throws {
        var order: [UInt8] = [255, 255, 255, 255, 0, 0, 0, 0] + [UInt8](repeating: 255, count: 8)
        order += [
            0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63,
            0x25,
            0x51,
        ]
        var largest = order
        largest[31] -= 1
        let none = [
            [], [UInt8](repeating: 0, count: 32), order, [UInt8](repeating: 255, count: 32),
        ]
        for bytes in none + [[UInt8](repeating: 7, count: 31), [UInt8](repeating: 7, count: 33)] {
            #expect(DPoPKey(SecretBytes(bytes)) == nil)
        }
        let key = try Samples.required(DPoPKey(SecretBytes(largest)))
        // n - 1 is minus one: the base point's own x.
        #expect(try key.publicJWK().contains("axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY"))
    }

    @Test("The key never prints")
    func redacted() throws {
        let key = try DPoPKey(random: SystemRandom())
        var dumped = ""
        dump(key, to: &dumped)
        let shown = "\(key) \(String(reflecting: key)) \(dumped)"
        #expect(shown.contains("<redacted>"))
        let hex = key.bytes.withBytes { $0.map { String($0, radix: 16) }.joined() }
        #expect(!shown.contains(hex.prefix(8)))
    }
}

@Suite("DPoP nonces of servers")
struct DPoPNonceTests {
    private func answer(_ status: Int, _ body: String, _ nonces: [String]) throws -> HTTPAnswer {
        var headers = HTTPFields()
        headers[values: try Samples.required(HTTPField.Name("dpop-nonce"))] = nonces
        return Samples.answer(status, body, headers: headers)
    }

    @Test("Case 85: a nonce is taken from any answer; a hostile one, or several, are none")
    func fromAnswers() throws {
        let longest = String(repeating: "n", count: DPoPNonce.bytesMax)
        for good in ["a", "eyJ7S_zG.eyJH0-Z.HX4w-7v", "!#[]~", longest] {
            #expect(try DPoPNonce(in: answer(200, "", [good]).response)?.rawValue == good)
        }
        for bad in ["", #"a"b"#, #"a\b"#, "a b", "ä", longest + "n"] {
            #expect(try DPoPNonce(in: answer(200, "", [bad]).response) == nil, "\(bad.prefix(9))")
            #expect(DPoPNonce(bad) == nil)
        }
        for byte in ["\r", "\n", "\0", "\u{7F}"] { #expect(DPoPNonce("a" + byte) == nil) }
        #expect(try DPoPNonce(in: answer(200, "", []).response) == nil)
        #expect(try DPoPNonce(in: answer(200, "", ["a", "b"]).response) == nil)
    }

    @Test("Case 85: only a refusal that says use_dpop_nonce asks for one")
    func wanted() throws {
        let body = #"{"error":"use_dpop_nonce"}"#
        for status in [400, 401] {
            #expect(DPoPNonce.isWanted(byTokenEndpoint: Samples.answer(status, body)))
        }
        for (status, body) in [
            (200, body), (500, body), (302, body), (400, ""), (400, #"{"error":"invalid_grant"}"#),
            (400, #"{"error":"USE_DPOP_NONCE"}"#), (400, #"{"error":["use_dpop_nonce"]}"#),
        ] {
            #expect(!DPoPNonce.isWanted(byTokenEndpoint: Samples.answer(status, body)), "\(status)")
        }
    }
}

@Suite("A sign-in that asks for bound tokens")
struct DPoPRequestTests {
    private func request(_ algorithms: [String]?) throws -> AuthorizationRequest {
        var registration = try Samples.registration()
        registration.usesDPoP = true
        var metadata = try Samples.metadata()
        metadata.dpopAlgorithms = algorithms
        return try AuthorizationRequest(
            registration: registration, redirectURI: registration.redirectURI, metadata: metadata,
            random: SystemRandom())
    }

    @Test("The request names the key by its thumbprint (RFC 9449 §10), a new one each time")
    func thumbprint() throws {
        let requests = [try request(nil), try request(["RS256", "ES256"])]
        for request in requests {
            let query = try Samples.required(request.url.query)
            let key = try Samples.required(request.dpopKey)
            #expect(FormCoder.values(of: "dpop_jkt", in: query) == [try key.thumbprint()])
        }
        #expect(requests[0].dpopKey != requests[1].dpopKey)
        let plain = try Samples.request()
        #expect(plain.dpopKey == nil && plain.url.query?.contains("dpop_jkt") == false)
    }

    @Test("A provider whose algorithms rule ES256 out is refused before anything is opened")
    func ruledOut() {
        for algorithms in [[], ["RS256"], ["es256"]] {
            #expect(errorOf { try request(algorithms) }?.kind == "configInvalid")
        }
    }

    @Test("The metadata's list is taken as it is; one that cannot be read rules ES256 out")
    func metadata() throws {
        let name = "dpop_signing_alg_values_supported"
        let judge = { (value: String?) throws in
            try Discovery.judge(
                Samples.answer(200, JSONText.object(DiscoveryTests.members.changed([name: value]))),
                for: Samples.issuer()
            ).dpopAlgorithms
        }
        #expect(try judge(nil) == nil)
        #expect(try judge("null") == nil)
        #expect(try judge(#"["ES256","PS256"]"#) == ["ES256", "PS256"])
        #expect(try judge(#""ES256""#) == [])
        #expect(try judge("[1]") == [])
    }

    @Test("Case 27: where DPoP was asked for Bearer is a downgrade; the reverse is refused as well")
    func tokenTypes() throws {
        func answer(_ type: String) -> HTTPAnswer {
            let members = TokenResponseTests.members.changed(["token_type": type])
            return Samples.answer(200, JSONText.object(members))
        }
        for type in [#""DPoP""#, #""dPoP""#, #""dpop""#] {
            let response = try TokenResponse.judgeCodeExchange(answer(type), type: .dpop)
            #expect(response.accessToken.reveal() == "at-1")
            #expect(
                errorOf { try TokenResponse.judgeCodeExchange(answer(type)) }?.kind
                    == "tokenResponseInvalid")
            guard case .refreshTokenOnly = RefreshVerdict.judge(answer(type)) else {
                Issue.record("a bound token was taken for a bearer token")
                continue
            }
        }
        for type in [#""Bearer""#, #""bearer""#, #""mac""#, "null", #""DPoP ""#, #""N_A""#] {
            #expect(
                errorOf { try TokenResponse.judgeCodeExchange(answer(type), type: .dpop) }?.kind
                    == "tokenResponseInvalid")
            let verdict = RefreshVerdict.judge(answer(type), type: .dpop)
            guard case .refreshTokenOnly(let token, _) = verdict, token.reveal() == "rt-2" else {
                Issue.record("\(type): \(verdict)")
                continue
            }
        }
    }
}
