import AuthModels
import Crypto
import CryptoExtras
import FoundationEssentials
import Testing

@testable import OpenIDConnect

/// Project Wycheproof's vectors, read where they are: the primitives' from the sources of
/// swift-crypto that the package manager has fetched; the JOSE sets, which no package brings, from a
/// checkout of C2SP/wycheproof that `WYCHEPROOF_DIR` names.
enum Vectors {
    static func json(_ path: String) throws -> JSONValue {
        let data = try Data(contentsOf: URL(filePath: path))
        return try JSONDocument.parse(Array(data), bytesMax: 64 << 20)
    }

    static func checkout(_ name: String) throws -> JSONValue {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
            .joined(separator: "/")
        return try json(root + "/.build/checkouts/swift-crypto/Tests/" + name)
    }

    static let joseFolder = ProcessInfo.processInfo.environment["WYCHEPROOF_DIR"]

    static func bytes(_ hexadecimal: String?) throws -> [UInt8] {
        let digits = try Samples.required(hexadecimal).utf8.compactMap(hexadecimalValue)
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}

@Suite("Project Wycheproof")
struct WycheproofTests {
    /// Runs a set: each result must be what the vector says, an acceptable one either.
    func run(
        _ file: String, _ algorithm: SignatureAlgorithm,
        key: (JSONValue) throws -> JSONWebKey?
    ) throws -> Int {
        var count = 0
        for group in try Samples.required(try Vectors.checkout(file)["testGroups"]?.array) {
            if let hash = group["sha"]?.string, hash.suffix(3) != algorithm.rawValue.suffix(3) {
                continue
            }
            let key = try key(group)
            for test in try Samples.required(group["tests"]?.array) {
                let message = try Vectors.bytes(test["msg"]?.string)
                let signature = try Vectors.bytes(test["sig"]?.string)
                let isValid =
                    key?.serves(algorithm) == true
                    && key?.key.isValid(signature, over: message, algorithm) == true
                let identity = "\(file) \(test["tcId"]?.number?.text ?? "?")"
                switch test["result"]?.string {
                case "valid": #expect(isValid, "\(identity)")
                case "invalid": #expect(!isValid, "\(identity)")
                default: break
                }
                count += 1
            }
        }
        return count
    }

    func jwk(_ members: [String: String]) throws -> JSONWebKey? {
        JSONWebKey(try JSONDocument.parse(Array(JSONText.object(members).utf8)))
    }

    @Test(
        "Case 45: ECDSA signatures of fixed length",
        arguments: [
            ("secp256r1_sha256", SignatureAlgorithm.es256, "P-256", 32),
            ("secp384r1_sha384", .es384, "P-384", 48), ("secp521r1_sha512", .es512, "P-521", 66),
        ])
    func ecdsa(name: String, algorithm: SignatureAlgorithm, curve: String, size: Int) throws {
        let count = try run("Test Vectors/ecdsa_\(name)_p1363_test.json", algorithm) { group in
            let point = try Vectors.bytes(group["publicKey"]?["uncompressed"]?.string).dropFirst()
            return try jwk([
                "kty": "\"EC\"", "crv": "\"\(curve)\"",
                "x": JSONText.base64(Data(point.prefix(size))),
                "y": JSONText.base64(Data(point.dropFirst(size))),
            ])
        }
        #expect(count > 200)
    }

    @Test("Case 45: Ed25519 signatures")
    func ed25519() throws {
        let count = try run("Test Vectors/ed25519_test.json", .edDSA) { group in
            try jwk([
                "kty": "\"OKP\"", "crv": "\"Ed25519\"",
                "x": JSONText.base64(Data(try Vectors.bytes(group["publicKey"]?["pk"]?.string))),
            ])
        }
        #expect(count > 100)
    }

    @Test(
        "Case 45: RSA signatures, PKCS #1 v1.5 and PSS",
        arguments: [
            ("rsa_signature_2048_sha256", SignatureAlgorithm.rs256),
            ("rsa_signature_2048_sha512", .rs512), ("rsa_signature_3072_sha256", .rs256),
            ("rsa_signature_3072_sha512", .rs512), ("rsa_signature_4096_sha512", .rs512),
            ("rsa_pss_2048_sha256_mgf1_32", .ps256), ("rsa_pss_3072_sha256_mgf1_32", .ps256),
            ("rsa_pss_4096_sha256_mgf1_32", .ps256), ("rsa_signature", .rs256),
        ])
    func rsa(name: String, algorithm: SignatureAlgorithm) throws {
        let count = try run("CryptoExtrasVectors/\(name)_test.json", algorithm, key: rsaKey)
        #expect(count > 5)
    }

    func rsaKey(_ group: JSONValue) throws -> JSONWebKey? {
        try jwk([
            "kty": "\"RSA\"",
            "n": JSONText.base64(Data(try Vectors.bytes(group["n"]?.string))),
            "e": JSONText.base64(Data(try Vectors.bytes(group["e"]?.string))),
        ])
    }

    @Test(
        "Case 45: a PSS salt that is not as long as the hash is refused (RFC 7518 §3.5)",
        arguments: [
            ("rsa_pss_4096_sha512_mgf1_32", SignatureAlgorithm.ps512),
            ("rsa_pss_2048_sha256_mgf1_0", .ps256),
        ])
    func saltLength(name: String, algorithm: SignatureAlgorithm) throws {
        let document = try Vectors.checkout("CryptoExtrasVectors/\(name)_test.json")
        var count = 0
        for group in try #require(document["testGroups"]?.array) {
            let key = try #require(try rsaKey(group))
            // Those that are valid with the set's own salt length; here they are not.
            for test in try #require(group["tests"]?.array)
            where test["result"]?.string == "valid" {
                let message = try Vectors.bytes(test["msg"]?.string)
                let signature = try Vectors.bytes(test["sig"]?.string)
                #expect(!key.key.isValid(signature, over: message, algorithm))
                count += 1
            }
        }
        #expect(count > 50)
    }

    @Test(
        "Case 45: the JOSE sets, JWS and JWK", .enabled(if: Vectors.joseFolder != nil),
        arguments: ["json_web_signature_test.json", "json_web_key_test.json"])
    func jose(file: String) throws {
        let folder = try #require(Vectors.joseFolder)
        let document = try Vectors.json(folder + "/" + file)
        let names = SignatureAlgorithm.allCases.map(\.rawValue)
        var count: Int64 = 0
        for group in try #require(document["testGroups"]?.array) {
            let stated = group["public"] ?? group["private"] ?? .null
            let keys = (stated["keys"]?.array ?? [stated]).compactMap { JSONWebKey($0) }
            for test in try #require(group["tests"]?.array) {
                count += 1
                guard let text = test["jws"]?.string else { continue }
                let jws = Array(text.utf8).withUnsafeBytes { bytes in
                    try? CompactJWS(bytes, allowed: names, type: "JWT")
                }
                let isValid =
                    jws.map { jws in
                        keys.contains { key in
                            key.serves(jws.algorithm)
                                && (jws.keyID == nil || key.id == jws.keyID)
                                && key.key.isValid(
                                    jws.signature, over: jws.signedBytes, jws.algorithm)
                        }
                    } ?? false
                let identity = "\(file) \(test["tcId"]?.number?.text ?? "?")"
                // A key that names another algorithm, or one unknown here, is rightly not used.
                let isServed =
                    jws.map { jws in keys.contains { $0.serves(jws.algorithm) } } ?? false
                switch test["result"]?.string {
                case "valid":
                    #expect(isValid == isServed, "\(identity)")
                    #expect(jws != nil || keys.isEmpty, "\(identity)")
                case "invalid": #expect(!isValid, "\(identity)")
                default: break
                }
            }
        }
        #expect(count == document["numberOfTests"]?.number?.integer)
    }
}
