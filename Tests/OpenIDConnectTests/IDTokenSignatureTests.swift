import AuthModels
import Crypto
import CryptoExtras
import FoundationEssentials
import Testing

@testable import OpenIDConnect

@Suite("ID token: header, keys and signature")
struct IDTokenSignatureTests {
    typealias T = IDTokenTesting

    @Test("Every supported algorithm is verified", arguments: T.allAlgorithms)
    func algorithms(name: String) throws {
        let forge = TokenForge.forge(for: name)
        let identity = try IDTokenJudge.judge(
            try forge.token(name), keys: try forge.set(), expecting: try T.expectation([name]))
        #expect(identity.subject.rawValue == "248289761001")
        #expect(identity.nonce == T.nonce)
        #expect(identity.authenticatedAt == 1_799_999_990)
    }

    @Test("Case 42: none in any case, an unknown or missing alg and an empty signature are refused")
    func algNone() throws {
        let set = try TokenForge.rsa.set()
        for name in [
            "none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", "HS256", "RS1", "ES256K",
        ] {
            let token = try TokenForge.rsa.token(header: ["alg": JSONText.string(name)])
            #expect(T.fault(token, set, try T.expectation())?.invalidReason != nil, "\(name)")
            let unsigned = token.reveal().split(separator: ".").prefix(2).joined(separator: ".")
            for text in [unsigned + ".", unsigned, unsigned + ".AA"] {
                let bare = try #require(IDToken(text))
                let allowed = try T.expectation(T.allAlgorithms + [name])
                #expect(T.fault(bare, set, allowed)?.invalidReason != nil, "\(name)")
            }
        }
        for alg in [nil, "null", "7", "[\"RS256\"]"] {
            #expect(try T.fault(header: ["alg": alg])?.invalidReason != nil)
        }
        let good = try TokenForge.rsa.token().reveal().split(separator: ".")
        let stripped = try #require(IDToken(good.prefix(2).joined(separator: ".") + "."))
        #expect(T.fault(stripped, set, try T.expectation())?.invalidReason != nil)
    }

    @Test("Case 43: HS256 keyed with the public key in any form is refused, even when allowed")
    func hmacConfusion() throws {
        guard case .rsa(let key) = TokenForge.rsa.key else { return }
        let pem = key.publicKey.pemRepresentation
        let secrets: [[UInt8]] = [
            Array(pem.utf8), Array(key.publicKey.derRepresentation),
            Array(try TokenForge.rsa.jwk().utf8), Array((" " + pem).utf8), Array((pem + "\n").utf8),
        ]
        for secret in secrets {
            let signed =
                Base64URL.encode(#"{"alg":"HS256","kid":"key-1","typ":"JWT"}"#.utf8) + "."
                + Base64URL.encode(JSONText.object(TokenForge.claims).utf8)
            let code = HMAC<SHA256>.authenticationCode(
                for: Data(signed.utf8), using: SymmetricKey(data: secret))
            let token = try #require(IDToken(signed + "." + Base64URL.encode(code)))
            for allowed in [T.allAlgorithms, ["HS256"], ["HS256", "RS256"]] {
                let fault = T.fault(token, try TokenForge.rsa.set(), try T.expectation(allowed))
                #expect(fault?.invalidReason != nil)
            }
        }
    }

    @Test("Case 43: the allow-list is the configuration's; an empty one means RS256")
    func allowList() throws {
        let set = try TokenForge.rsa.set()
        let ps256 = try TokenForge.rsa.token("PS256")
        #expect(T.fault(ps256, set, try T.expectation(["RS256"]))?.invalidReason != nil)
        #expect(T.fault(ps256, set, try T.expectation([]))?.invalidReason != nil)
        #expect(T.fault(try TokenForge.rsa.token(), set, try T.expectation([])) == nil)
    }

    @Test(
        "Case 44: another key's signature under the right key id is refused",
        arguments: T.allAlgorithms)
    func otherKey(name: String) throws {
        let trusted: TokenForge =
            switch name {
            case "ES256": TokenForge(key: .p256(.init()))
            case "ES384": TokenForge(key: .p384(.init()))
            case "ES512": TokenForge(key: .p521(.init()))
            case "EdDSA": TokenForge(key: .ed25519(.init()))
            default: .otherRSA
            }
        let fault = T.fault(
            try TokenForge.forge(for: name).token(name), try trusted.set(), try T.expectation())
        #expect(fault?.invalidReason?.contains("signature") == true)
    }

    @Test("Case 44: one flipped bit anywhere is refused", arguments: T.allAlgorithms)
    func flippedBits(name: String) throws {
        let forge = TokenForge.forge(for: name)
        let set = try forge.set()
        let parts = try forge.token(name).reveal().split(separator: ".").map(String.init)
        let signature = try #require(Base64URL.decode(parts[2].utf8))
        for index in [0, signature.count / 2, signature.count - 1] {
            var flipped = signature
            flipped[index] ^= 1
            let text = parts[0] + "." + parts[1] + "." + Base64URL.encode(flipped)
            let token = try #require(IDToken(text))
            #expect(T.fault(token, set, try T.expectation())?.invalidReason != nil)
        }
        for changed in [signature + [0], Array(signature.dropLast()), [0] + signature] {
            let text = parts[0] + "." + parts[1] + "." + Base64URL.encode(changed)
            let token = try #require(IDToken(text))
            #expect(T.fault(token, set, try T.expectation())?.invalidReason != nil)
        }
        var payload = try #require(Base64URL.decode(parts[1].utf8))
        payload[payload.count - 2] ^= 1
        let token = try #require(
            IDToken(parts[0] + "." + Base64URL.encode(payload) + "." + parts[2]))
        #expect(T.fault(token, set, try T.expectation())?.invalidReason != nil)
    }

    @Test("Case 46: a key that the token brings itself is not used, and no URL of it is asked")
    func embeddedKeys() throws {
        let attacker = TokenForge.otherRSA
        let headers: [[String: String?]] = [
            ["jwk": try attacker.jwk()], ["jku": "\"https://evil.example.test/jwks\""],
            ["x5u": "\"https://evil.example.test/cert\""], ["x5c": "[\"MIIB\"]"],
            ["jwk": try attacker.jwk(), "kid": nil],
        ]
        for header in headers {
            let token = try attacker.token(header: header)
            let fault = T.fault(token, try TokenForge.rsa.set(), try T.expectation())
            #expect(fault?.invalidReason?.contains("signature") == true)
            // Beside a good signature they are merely ignored.
            #expect(try T.fault(header: header) == nil)
        }
    }

    @Test("Case 47: without a key id one fitting key is taken, several are not")
    func absentKeyID() throws {
        let token = try TokenForge.rsa.named(nil).token()
        let own = try TokenForge.rsa.jwk()
        let other = try TokenForge.otherRSA.named("key-2").jwk()
        let ec = try TokenForge.p256.jwk()
        let expectation = try T.expectation()
        #expect(T.fault(token, try TokenForge.set([own]), expectation) == nil)
        #expect(T.fault(token, try TokenForge.set([ec, own]), expectation) == nil)
        #expect(
            T.fault(token, try TokenForge.set([own, other]), expectation)?.invalidReason != nil)
        #expect(T.fault(token, try TokenForge.set([ec]), expectation) == .unknownKey)
        #expect(T.fault(token, try TokenForge.set([]), expectation) == .unknownKey)
    }

    @Test("Case 47: an unknown key id asks for one refetch, whatever it is made of")
    func unknownKeyID() throws {
        let set = try TokenForge.rsa.set()
        let ids = [
            "key-2", "", "Key-1", "key-1 ", "../../dev/null", "' OR 1=1 --", "\"", "key-1\u{0}",
            String(repeating: "k", count: 30_000),
        ]
        for id in ids {
            let token = try TokenForge.rsa.named(id == "key-1\u{0}" ? nil : id).token(
                header: id == "key-1\u{0}" ? ["kid": "\"key-1\\u0000\""] : [:])
            #expect(T.fault(token, set, try T.expectation()) == .unknownKey)
        }
        for id in ["7", "null", "[]"] {
            #expect(try T.fault(header: ["kid": id])?.invalidReason != nil)
        }
    }

    @Test("Case 47: composed and decomposed key ids are two keys")
    func canonicalTwins() throws {
        let composed = TokenForge.rsa.named("\u{E9}")
        let decomposed = TokenForge.otherRSA.named("e\u{301}")
        let expectation = try T.expectation()
        #expect(
            T.fault(try composed.token(), try TokenForge.set([try decomposed.jwk()]), expectation)
                == .unknownKey)
        let both = try TokenForge.set([try decomposed.jwk(), try composed.jwk()])
        #expect(T.fault(try composed.token(), both, expectation) == nil)
        #expect(T.fault(try decomposed.token(), both, expectation) == nil)
    }

    @Test("Case 47: decoys under the same key id are passed over by type, algorithm and use")
    func decoys() throws {
        let decoys = [
            try TokenForge.p256.jwk(), try TokenForge.ed25519.jwk(),
            try TokenForge.otherRSA.jwk(["alg": "\"PS256\""]),
            try TokenForge.otherRSA.jwk(["use": "\"enc\""]),
        ]
        let expectation = try T.expectation()
        let token = try TokenForge.rsa.token()
        #expect(
            T.fault(token, try TokenForge.set(decoys + [try TokenForge.rsa.jwk()]), expectation)
                == nil)
        #expect(T.fault(token, try TokenForge.set(decoys), expectation) == .unknownKey)
        let es256 = try TokenForge.p256.token("ES256")
        #expect(T.fault(es256, try TokenForge.set(decoys), expectation) == nil)
    }

    @Test("Case 118: of many keys with one id only a few are tried")
    func manyTries() throws {
        let decoy = try TokenForge.otherRSA.jwk()
        let own = try TokenForge.rsa.jwk()
        let token = try TokenForge.rsa.token()
        let expectation = try T.expectation()
        let few = [String](repeating: decoy, count: IDTokenJudge.signatureTriesMax - 1)
        #expect(T.fault(token, try TokenForge.set(few + [own]), expectation) == nil)
        let many = [String](repeating: decoy, count: IDTokenJudge.signatureTriesMax)
        #expect(
            T.fault(token, try TokenForge.set(many + [own]), expectation)?.invalidReason != nil)
    }

    @Test("Case 48: critical extensions, foreign types and encryption are refused")
    func headers() throws {
        let refused: [[String: String?]] = [
            ["crit": "[\"exp\"]"], ["crit": "[]"], ["crit": "[\"b64\"]", "b64": "false"],
            ["b64": "false"], ["typ": "\"at+jwt\""], ["typ": "\"logout+jwt\""], ["typ": "7"],
            ["typ": "\"JWT\\u0000\""], ["enc": "\"A256GCM\""], ["zip": "\"DEF\""],
            ["cty": "\"JWT\""],
        ]
        for header in refused {
            #expect(try T.fault(header: header)?.invalidReason != nil, "\(header)")
        }
        for header: [String: String?] in [["typ": nil], ["typ": "\"jwt\""], ["x": "{}"]] {
            #expect(try T.fault(header: header) == nil, "\(header)")
        }
    }

    @Test("Case 48: other part counts, members named twice and payloads that are no claims")
    func shapes() throws {
        let set = try TokenForge.rsa.set()
        let expectation = try T.expectation()
        let good = try TokenForge.rsa.token().reveal()
        let parts = good.split(separator: ".").map(String.init)
        let texts = [
            good + ".", "." + good, good + ".a.b", "a.b.c.d.e", parts[0] + "." + parts[1], "x",
            String(repeating: ".", count: 60_000), parts[0] + ".." + parts[2], good + "=",
            parts[0] + "=." + parts[1] + "." + parts[2],
        ]
        for text in texts {
            let token = try #require(IDToken(text))
            #expect(T.fault(token, set, expectation)?.invalidReason != nil, "\(text.prefix(60))")
        }
        let header = #"{"alg":"RS256","kid":"key-1"}"#
        let claims = String(JSONText.object(TokenForge.claims).dropLast())
        let payloads = [
            claims + #","sub":"248289761001"}"#, claims + #","\u0073ub":"x"}"#, claims, "[]",
            "null",
            "\"\"", good, "",
        ]
        for payload in payloads {
            let text = try TokenForge.rsa.compact(
                header: header, payload: payload, algorithm: "RS256")
            let token = try #require(IDToken(text))
            #expect(T.fault(token, set, expectation)?.invalidReason != nil, "\(payload.suffix(40))")
        }
        for twice in [
            #"{"alg":"RS256","kid":"key-1","alg":"none"}"#,
            #"{"alg":"RS256","kid":"key-1","kid":"key-2"}"#, "[]", "\u{FEFF}" + header,
        ] {
            let text = try TokenForge.rsa.compact(
                header: twice, payload: claims + "}", algorithm: "RS256")
            let token = try #require(IDToken(text))
            #expect(T.fault(token, set, expectation)?.invalidReason != nil)
        }
    }

    @Test("Case 49: after a key rotation the first set does not know the key, the next one does")
    func rotation() throws {
        let token = try TokenForge.otherRSA.named("key-2").token()
        let before = try TokenForge.rsa.set()
        let after = try TokenForge.set([
            try TokenForge.rsa.jwk(), try TokenForge.otherRSA.named("key-2").jwk(),
        ])
        #expect(T.fault(token, before, try T.expectation()) == .unknownKey)
        #expect(T.fault(token, after, try T.expectation()) == nil)
    }
}
