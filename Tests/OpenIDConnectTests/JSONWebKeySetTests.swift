import AuthModels
import FoundationEssentials
import Testing

@testable import OpenIDConnect

@Suite("JSON Web Key Set")
struct JSONWebKeySetTests {
    @Test("Every supported key type is read")
    func types() throws {
        let set = try TokenForge.set([
            try TokenForge.rsa.jwk(), try TokenForge.p256.jwk(), try TokenForge.p384.jwk(),
            try TokenForge.p521.jwk(), try TokenForge.ed25519.jwk(),
        ])
        #expect(set.count == 5)
    }

    @Test("Case 51: a key for another purpose, or whose private half is out, is ignored")
    func purposes() throws {
        let changes: [[String: String?]] = [
            ["use": "\"enc\""], ["use": "7"], ["key_ops": "[\"encrypt\"]"],
            ["key_ops": "\"verify\""],
            ["key_ops": "[\"verify\",\"verify\"]"], ["key_ops": "[]"], ["d": "\"AQAB\""],
            ["p": "\"AQAB\""], ["k": "\"AQAB\""], ["alg": "\"HS256\""], ["alg": "\"RSA-OAEP\""],
            ["alg": "\"ES256\""], ["alg": "7"], ["kid": "7"], ["kty": "\"EC\""], ["kty": nil],
            ["kty": "\"oct\""], ["kty": "\"rsa\""], ["n": nil], ["e": "\"\""], ["e": "\"AQAB=\""],
        ]
        let token = try TokenForge.rsa.token()
        for change in changes {
            let set = try TokenForge.set([try TokenForge.rsa.jwk(change)])
            #expect(set.count == 0, "\(change)")
            #expect(
                IDTokenTesting.fault(token, set, try IDTokenTesting.expectation()) == .unknownKey)
        }
        for change: [String: String?] in [
            ["use": nil], ["key_ops": "[\"verify\"]"], ["alg": "\"RS256\""], ["kid": nil],
            ["x": "[]"],
        ] {
            #expect(try TokenForge.set([try TokenForge.rsa.jwk(change)]).count == 1, "\(change)")
        }
    }

    @Test("Case 51: RSA below 2048 bits, or with exponent 1 or an even one, is ignored")
    func weakRSA() throws {
        let small = TokenForge(key: .rsa(TokenForge.makeRSA(1024)))
        #expect(try TokenForge.set([try small.jwk()]).count == 0)
        for exponent: [UInt8] in [[1], [2], [0], [], [1, 0, 0], [0, 1], [1, 0, 0, 0, 1]] {
            let change = ["e": JSONText.base64(Data(exponent))]
            #expect(try TokenForge.set([try TokenForge.rsa.jwk(change)]).count == 0, "\(exponent)")
        }
        #expect(try TokenForge.set([try TokenForge.rsa.jwk(["e": "\"AAEAAQ\""])]).count == 1)
        var even = [UInt8](repeating: 0xFF, count: 256)
        even[255] = 0xFE
        #expect(
            try TokenForge.set([try TokenForge.rsa.jwk(["n": JSONText.base64(Data(even))])]).count
                == 0)
        let huge = JSONText.base64(Data([UInt8](repeating: 0xFF, count: 1025)))
        #expect(try TokenForge.set([try TokenForge.rsa.jwk(["n": huge])]).count == 0)
    }

    @Test("Case 51: a point off its curve, at infinity, or of another length is ignored")
    func badPoints() throws {
        for forge in [TokenForge.p256, .p384, .p521] {
            let members = try forge.members()
            let x = try #require(members["x"])
            let bytes = try #require(Base64URL.decode(x.dropFirst().dropLast().utf8))
            let zero = JSONText.base64(Data([UInt8](repeating: 0, count: bytes.count)))
            let changes: [[String: String?]] = [
                ["y": x], ["x": zero, "y": zero], ["x": JSONText.base64(Data([0] + bytes))],
                ["x": JSONText.base64(Data(bytes.dropFirst()))], ["y": nil],
                ["crv": "\"secp256k1\""], ["crv": nil], ["x": "\"!!\""],
            ]
            for change in changes {
                #expect(try TokenForge.set([try forge.jwk(change)]).count == 0, "\(change)")
            }
        }
        #expect(try TokenForge.set([try TokenForge.ed25519.jwk(["x": "\"AAAA\""])]).count == 0)
        #expect(
            try TokenForge.set([try TokenForge.ed25519.jwk(["crv": "\"X25519\""])]).count == 0)
    }

    @Test("Case 51: a P-256 key does not serve ES384, nor one curve another's algorithm")
    func wrongCurve() throws {
        #expect(try TokenForge.set([try TokenForge.p256.jwk(["alg": "\"ES384\""])]).count == 0)
        #expect(try TokenForge.set([try TokenForge.p256.jwk(["crv": "\"P-384\""])]).count == 0)
        let claimsES384 = try TokenForge.p256.token("ES384")
        let fault = IDTokenTesting.fault(
            claimsES384, try TokenForge.p256.set(), try IDTokenTesting.expectation())
        #expect(fault == .unknownKey)
    }

    @Test("Case 51: a bad key does not hide the good ones")
    func goodAmongBad() throws {
        let set = try TokenForge.set([
            "7", "null", "{}", "[]", try TokenForge.p256.jwk(["x": nil]), try TokenForge.rsa.jwk(),
        ])
        #expect(set.count == 1)
    }

    @Test("Case 118: more than 100 keys are refused whole")
    func tooMany() throws {
        let key = try TokenForge.ed25519.jwk()
        #expect(try TokenForge.set([String](repeating: key, count: 100)).count == 100)
        let error = errorOf { try TokenForge.set([String](repeating: key, count: 101)) }
        #expect(error?.kind == "discoveryInvalid")
        let flood = errorOf { try TokenForge.set([String](repeating: "{}", count: 100_000)) }
        #expect(flood?.kind == "discoveryInvalid")
    }

    @Test("What is no key set is told, an outage apart")
    func answers() {
        for body in ["", "[]", "{}", "{\"keys\":{}}", "<html>", "{\"keys\":[],\"keys\":[]}"] {
            let answer = Samples.answer(200, body)
            #expect(errorOf { try JSONWebKeySet(judging: answer) }?.kind == "discoveryInvalid")
        }
        let kinds = [
            (503, "transient"), (404, "transient"), (429, "busy"), (302, "discoveryInvalid"),
            (403, "discoveryInvalid"),
        ]
        for (status, kind) in kinds {
            let answer = Samples.answer(status, "{\"keys\":[]}")
            #expect(errorOf { try JSONWebKeySet(judging: answer) }?.kind == kind)
        }
    }
}
