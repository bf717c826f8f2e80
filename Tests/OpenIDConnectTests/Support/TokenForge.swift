import AuthModels
import Crypto
import CryptoExtras
import FoundationEssentials

@testable import OpenIDConnect

/// Makes real keys and real signatures, valid tokens and hostile ones.
struct TokenForge: Sendable {
    enum Key: Sendable {
        case rsa(_RSA.Signing.PrivateKey)
        case p256(P256.Signing.PrivateKey)
        case p384(P384.Signing.PrivateKey)
        case p521(P521.Signing.PrivateKey)
        case ed25519(Curve25519.Signing.PrivateKey)
    }

    let key: Key
    var keyID: String? = "key-1"

    static let rsa = TokenForge(key: .rsa(makeRSA(2048)))
    static let otherRSA = TokenForge(key: .rsa(makeRSA(2048)))
    static let p256 = TokenForge(key: .p256(.init()))
    static let p384 = TokenForge(key: .p384(.init()))
    static let p521 = TokenForge(key: .p521(.init()))
    static let ed25519 = TokenForge(key: .ed25519(.init()))

    static func makeRSA(_ bits: Int) -> _RSA.Signing.PrivateKey {
        do { return try _RSA.Signing.PrivateKey(unsafeKeySize: .init(bitCount: bits)) } catch {
            preconditionFailure("no RSA key: \(error)")
        }
    }

    /// One that makes this algorithm's signatures.
    static func forge(for algorithm: String) -> TokenForge {
        switch algorithm {
        case "ES256": p256
        case "ES384": p384
        case "ES512": p521
        case "EdDSA": ed25519
        default: rsa
        }
    }

    func named(_ keyID: String?) -> TokenForge { TokenForge(key: key, keyID: keyID) }

    // MARK: Keys

    /// The public key's members as JSON texts.
    func members() throws -> [String: String] {
        var members: [String: String] = ["use": "\"sig\""]
        if let keyID { members["kid"] = JSONText.string(keyID) }
        switch key {
        case .rsa(let key):
            let numbers = try key.publicKey.getKeyPrimitives()
            members["kty"] = "\"RSA\""
            members["n"] = JSONText.base64(numbers.modulus)
            members["e"] = JSONText.base64(numbers.publicExponent)
        case .p256(let key): point(key.publicKey.rawRepresentation, "P-256", &members)
        case .p384(let key): point(key.publicKey.rawRepresentation, "P-384", &members)
        case .p521(let key): point(key.publicKey.rawRepresentation, "P-521", &members)
        case .ed25519(let key):
            members["kty"] = "\"OKP\""
            members["crv"] = "\"Ed25519\""
            members["x"] = JSONText.base64(key.publicKey.rawRepresentation)
        }
        return members
    }

    private func point(_ raw: Data, _ curve: String, _ members: inout [String: String]) {
        members["kty"] = "\"EC\""
        members["crv"] = "\"\(curve)\""
        members["x"] = JSONText.base64(raw.prefix(raw.count / 2))
        members["y"] = JSONText.base64(raw.suffix(raw.count / 2))
    }

    func jwk(_ changes: [String: String?] = [:]) throws -> String {
        JSONText.object(try members().changed(changes))
    }

    static func set(_ keys: [String]) throws -> JSONWebKeySet {
        try JSONWebKeySet(
            judging: Samples.answer(200, "{\"keys\":[\(keys.joined(separator: ","))]}"))
    }

    func set() throws -> JSONWebKeySet { try Self.set([try jwk()]) }

    // MARK: Tokens

    func sign(_ bytes: [UInt8], _ algorithm: String) throws -> [UInt8] {
        switch key {
        case .rsa(let key):
            let padding: _RSA.Signing.Padding =
                algorithm.hasPrefix("PS") ? .PSS : .insecurePKCS1v1_5
            return switch algorithm.suffix(3) {
            case "384":
                Array(
                    try key.signature(for: SHA384.hash(data: bytes), padding: padding)
                        .rawRepresentation)
            case "512":
                Array(
                    try key.signature(for: SHA512.hash(data: bytes), padding: padding)
                        .rawRepresentation)
            default:
                Array(
                    try key.signature(for: SHA256.hash(data: bytes), padding: padding)
                        .rawRepresentation)
            }
        case .p256(let key):
            return Array(try key.signature(for: SHA256.hash(data: bytes)).rawRepresentation)
        case .p384(let key):
            return Array(try key.signature(for: SHA384.hash(data: bytes)).rawRepresentation)
        case .p521(let key):
            return Array(try key.signature(for: SHA512.hash(data: bytes)).rawRepresentation)
        case .ed25519(let key): return Array(try key.signature(for: Data(bytes)))
        }
    }

    /// Signs any header and payload, well formed or not.
    func compact(header: String, payload: String, algorithm: String) throws -> String {
        let signed = Base64URL.encode(header.utf8) + "." + Base64URL.encode(payload.utf8)
        return signed + "." + Base64URL.encode(try sign(Array(signed.utf8), algorithm))
    }

    func token(
        _ algorithm: String = "RS256", header: [String: String?] = [:],
        claims: [String: String?] = [:]
    ) throws -> IDToken {
        var members = ["alg": "\"\(algorithm)\"", "typ": "\"JWT\""]
        if let keyID { members["kid"] = JSONText.string(keyID) }
        let text = try compact(
            header: JSONText.object(members.changed(header)),
            payload: JSONText.object(Self.claims.changed(claims)), algorithm: algorithm)
        return try Samples.required(IDToken(text))
    }

    /// What a good ID token of the samples says.
    static let claims: [String: String] = [
        "iss": JSONText.string(Samples.issuerText), "sub": "\"248289761001\"",
        "aud": JSONText.string(Samples.clientID), "nonce": "\"n-0S6_WzA2Mj\"",
        "exp": "1800000300", "iat": "1800000000", "auth_time": "1799999990",
    ]
}

enum JSONText {
    static func string(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "\\\""
            case "\\": "\\\\"
            default: String(scalar)
            }
        }
        return "\"" + escaped.joined() + "\""
    }

    static func base64(_ bytes: Data) -> String { "\"" + Base64URL.encode(bytes) + "\"" }

    static func object(_ members: [String: String]) -> String {
        "{"
            + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
            .joined(separator: ",") + "}"
    }
}

extension [String: String] {
    /// With some members replaced, and those that are nil taken away.
    func changed(_ changes: [String: String?]) -> [String: String] {
        merging(changes.compactMapValues { $0 }) { $1 }.filter { name, _ in
            changes[name].map { $0 != nil } ?? true
        }
    }
}
