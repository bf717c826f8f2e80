import AuthModels
import Crypto
import FoundationEssentials
import Testing

@testable import OpenIDConnect

@Suite("ID token: claims")
struct IDTokenClaimsTests {
    typealias T = IDTokenTesting

    @Test(
        "Case 52: iss that is missing, of another type or off by one byte is refused",
        arguments: [
            nil, "null", "7", "[\"https://id.example.test\"]", "\"https://id.example.test/\"",
            "\"https://ID.example.test\"", "\"https://other.example.test\"", "\"\"",
            "\"https://id.example.test\\u0301\"",
        ])
    func issuer(text: String?) throws {
        #expect(try T.fault(claims: ["iss": text])?.invalidReason?.contains("iss") == true)
    }

    @Test("Case 53: only this client alone is an audience")
    func audience() throws {
        let own = JSONText.string(Samples.clientID)
        let refused: [[String: String?]] = [
            ["aud": nil], ["aud": "null"], ["aud": "\"other\""], ["aud": "[\"other\"]"],
            ["aud": "[]"], ["aud": "[\(own),\"other\"]"],
            ["aud": "[\(own),\"other\"]", "azp": own],
            ["aud": "[\(own),\"other\"]", "azp": "\"other\""],
            ["aud": "[[\(own)]]"], ["aud": "[\(own),7]"], ["aud": "{}"],
            ["aud": JSONText.string(Samples.clientID.uppercased())], ["azp": "\"other\""],
            ["azp": "null"], ["azp": "[\(own)]"],
        ]
        for claims in refused {
            #expect(try T.fault(claims: claims)?.invalidReason != nil, "\(claims)")
        }
        for claims: [String: String?] in [["aud": own], ["aud": "[\(own)]"], ["azp": own]] {
            #expect(try T.fault(claims: claims) == nil, "\(claims)")
        }
    }

    @Test(
        "Case 54: a nonce that is missing, of another case or of another sign-in is refused",
        arguments: [nil, "null", "\"\"", "\"N-0S6_WZA2MJ\"", "\"n-0S6_WzA2M\"", "\"older\"", "7"])
    func nonce(text: String?) throws {
        #expect(try T.fault(claims: ["nonce": text])?.invalidReason?.contains("nonce") == true)
    }

    @Test(
        "Case 55: 60 s of clock skew are forgiven, more is told as the clock's",
        arguments: [
            (["iat": "1800000008"], true), (["iat": "1800000050"], true),
            (["iat": "1800000600"], false), (["exp": "1799999970"], true),
            (["exp": "1799999940"], false), (["exp": "1799999640"], false),
            (["nbf": "1800000050"], true), (["nbf": "1800000600"], false),
            (["exp": "1800000300.5", "iat": "1.8e9"], true),
        ] as [([String: String?], Bool)])
    func skew(claims: [String: String?], isTaken: Bool) throws {
        let fault = try T.fault(claims: claims)
        #expect((fault == nil) == isTaken)
        if let fault { #expect(fault.invalidReason?.contains("clock") == true) }
    }

    @Test(
        "Case 55: times that are missing, texts or out of range are refused without a trap",
        arguments: [
            ["exp": nil], ["exp": "\"1800000300\""], ["exp": "1e300"], ["exp": "1e400"],
            ["exp": "-1"], ["exp": "null"], ["iat": nil], ["iat": "\"x\""], ["iat": "1e300"],
            ["nbf": "\"x\""], ["auth_time": "\"x\""], ["auth_time": "1e300"], ["exp": "{}"],
        ] as [[String: String?]])
    func times(claims: [String: String?]) throws {
        #expect(try T.fault(claims: claims)?.invalidReason != nil)
    }

    @Test(
        "Case 56: sub that is missing, empty, a number, 256 long or not ASCII is refused",
        arguments: [
            nil, "null", "\"\"", "7", "\"\(String(repeating: "s", count: 256))\"", "\"\\u00e9\"",
            "\"a\\nb\"", "[\"a\"]",
        ])
    func subject(text: String?) throws {
        #expect(try T.fault(claims: ["sub": text])?.invalidReason?.contains("sub") == true)
    }

    @Test("Case 56: 255 characters are a subject")
    func longSubject() throws {
        let text = "\"\(String(repeating: "s", count: 255))\""
        #expect(try T.fault(claims: ["sub": text]) == nil)
    }

    @Test("Case 57: at_hash is checked where it is there", arguments: T.allAlgorithms)
    func accessTokenHash(name: String) throws {
        let forge = TokenForge.forge(for: name)
        let set = try forge.set()
        func fault(_ hash: String?) throws -> IDTokenFault? {
            T.fault(try forge.token(name, claims: ["at_hash": hash]), set, try T.expectation())
        }
        let data = Data("at-1".utf8)
        let hash: [UInt8] =
            switch name.suffix(3) {
            case "256": Array(SHA256.hash(data: data))
            case "384": Array(SHA384.hash(data: data))
            default: Array(SHA512.hash(data: data))
            }
        let right = Base64URL.encode(hash.prefix(hash.count / 2))
        #expect(try fault(nil) == nil)
        #expect(try fault("\"\(right)\"") == nil)
        let whole = Base64URL.encode(hash)
        for wrong in [
            "\"\(whole)\"", "\"\"", "7", "null", "\"\(right)=\"", "\"\(right.dropLast())\"",
        ] {
            #expect(try fault(wrong)?.invalidReason?.contains("at_hash") == true)
        }
    }

    @Test("Case 57: max_age needs an auth_time that is recent enough")
    func maxAge() throws {
        func fault(_ time: String?) throws -> IDTokenFault? {
            try T.fault(claims: ["auth_time": time]) { $0.maxAge = 300 }
        }
        #expect(try fault("1799999800") == nil)
        #expect(try fault("1799999650") == nil)
        #expect(try fault("1799999600")?.invalidReason?.contains("auth_time") == true)
        #expect(try fault(nil)?.invalidReason?.contains("auth_time") == true)
        #expect(try T.fault(claims: ["auth_time": nil]) == nil)
    }

    @Test("Case 57: where acr was asked for, a lower one or none is refused")
    func acr() throws {
        func fault(_ acr: String?) throws -> IDTokenFault? {
            try T.fault(claims: ["acr": acr]) { $0.acrValues = "gold silver" }
        }
        #expect(try fault("\"silver\"") == nil)
        for text in [nil, "\"bronze\"", "\"Gold\"", "\"gold silver\"", "7", "[\"gold\"]"] {
            #expect(try fault(text)?.invalidReason?.contains("acr") == true)
        }
    }

    @Test("What a request asked for is what its ID token is judged by")
    func expectation() throws {
        let request = try Samples.request(
            registration: Samples.registration(scope: "openid"),
            extra: .init(maxAge: 60, acrValues: "gold"))
        let expectation = IDTokenExpectation(
            answering: request, accessToken: try #require(AccessToken("at-1")), now: Samples.now)
        #expect(expectation.nonce == request.nonce)
        #expect(expectation.maxAge == 60)
        #expect(expectation.acrValues == "gold")
        #expect(expectation.leewaySeconds == 60)
        #expect(expectation.clientID.rawValue == Samples.clientID)
    }
}

@Suite("ID token: on refresh")
struct IDTokenRefreshTests {
    typealias T = IDTokenTesting

    func fault(
        header: [String: String?] = [:], claims: [String: String?] = [:],
        previous: (inout Identity) -> Void = { _ in }
    ) throws -> IDTokenFault? {
        T.fault(
            try TokenForge.rsa.token(header: header, claims: claims), try TokenForge.rsa.set(),
            try T.refreshExpectation(change: previous))
    }

    @Test("Case 71: the same sign-in is taken, with its own nonce or without one")
    func same() throws {
        for claims: [String: String?] in [[:], ["nonce": nil], ["auth_time": nil]] {
            let identity = try IDTokenJudge.judge(
                try TokenForge.rsa.token(claims: claims), keys: try TokenForge.rsa.set(),
                expecting: try T.refreshExpectation())
            #expect(identity.nonce == T.nonce)
            #expect(identity.authenticatedAt == 1_799_999_990)
        }
    }

    @Test("Case 71: another sub, iss, aud, azp, auth_time or nonce is another identity")
    func changed() throws {
        let own = JSONText.string(Samples.clientID)
        let changes: [[String: String?]] = [
            ["sub": "\"someone-else\""], ["sub": nil], ["iss": "\"https://other.example.test\""],
            ["aud": "\"other\""], ["aud": "[\(own),\"other\"]"], ["azp": "\"other\""],
            ["azp": own], ["auth_time": "1799999991"], ["nonce": "\"another\""], ["nonce": "7"],
            ["at_hash": "\"AAAA\""],
        ]
        for claims in changes {
            #expect(try fault(claims: claims)?.isIdentityChanged == true, "\(claims)")
        }
        #expect(try fault(claims: ["azp": own]) { $0.authorizedParty = Samples.clientID } == nil)
        #expect(try fault { $0.authorizedParty = Samples.clientID }?.isIdentityChanged == true)
        #expect(try fault { $0.nonce = nil }?.isIdentityChanged == true)
        #expect(try fault { $0.authenticatedAt = nil } == nil)
    }

    @Test("Case 71: a bad signature or a forged header is a security error too")
    func forged() throws {
        let forged = T.fault(
            try TokenForge.otherRSA.token(), try TokenForge.rsa.set(), try T.refreshExpectation())
        #expect(forged?.isIdentityChanged == true)
        #expect(try fault(header: ["alg": "\"none\""])?.isIdentityChanged == true)
        #expect(try fault(header: ["crit": "[\"x\"]"])?.isIdentityChanged == true)
    }

    @Test("Case 71: an unknown key and a clock that is off are no mismatch")
    func noMismatch() throws {
        let unknown = T.fault(
            try TokenForge.rsa.named("key-9").token(), try TokenForge.rsa.set(),
            try T.refreshExpectation())
        #expect(unknown == .unknownKey)
        #expect(try fault(claims: ["exp": "1799990000"])?.invalidReason?.contains("clock") == true)
        #expect(try fault(claims: ["iat": "1800010000"])?.invalidReason?.contains("clock") == true)
    }

    @Test("Case 71: someone else with an expired token is someone else first")
    func order() throws {
        let claims: [String: String?] = ["sub": "\"someone-else\"", "exp": "1799990000"]
        #expect(try fault(claims: claims)?.isIdentityChanged == true)
    }
}
