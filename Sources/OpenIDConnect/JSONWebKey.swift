internal import AuthModels
internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials

/// A public key that may verify signatures (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2).
struct JSONWebKey: Sendable {
    let key: VerificationKey
    /// Compared byte by byte, used for nothing else.
    let id: String?
    /// The only algorithm it may be used with, where the set says so.
    let algorithm: SignatureAlgorithm?

    /// Reads one member of a set.
    ///
    /// - Returns: nil for a key that must not be used here: weak or malformed numbers, a point off
    ///   the curve, another use, a symmetric key, private members, an algorithm of another type.
    init?(_ value: JSONValue) {
        guard let object = value.object, Self.isForVerifying(object),
            let type = object["kty"]?.string, let key = Self.key(of: type, object)
        else { return nil }
        switch object["alg"] {
        case nil: algorithm = nil
        case .string(let name):
            guard let named = SignatureAlgorithm(rawValue: name), key.serves(named) else {
                return nil
            }
            algorithm = named
        default: return nil
        }
        switch object["kid"] {
        case nil: id = nil
        case .string(let text): id = text
        default: return nil
        }
        self.key = key
    }

    /// Whether the key may verify a signature of this algorithm.
    func serves(_ algorithm: SignatureAlgorithm) -> Bool {
        key.serves(algorithm) && (self.algorithm ?? algorithm) == algorithm
    }

    private static func isForVerifying(_ object: JSONObject) -> Bool {
        // A published private key is everybody's.
        let secretMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]
        guard secretMembers.allSatisfy({ object[$0] == nil }) else { return false }
        if let use = object["use"], use != .string("sig") { return false }
        guard let operations = object["key_ops"] else { return true }
        guard let operations = operations.strings else { return false }
        return operations.contains("verify") && Set(operations).count == operations.count
    }

    private static func key(of type: String, _ object: JSONObject) -> VerificationKey? {
        switch (type, object["crv"]?.string) {
        case ("RSA", _): rsa(object)
        case ("EC", "P-256"):
            point(object, coordinateBytes: 32).flatMap {
                try? P256.Signing.PublicKey(x963Representation: $0)
            }.map(VerificationKey.p256)
        case ("EC", "P-384"):
            point(object, coordinateBytes: 48).flatMap {
                try? P384.Signing.PublicKey(x963Representation: $0)
            }.map(VerificationKey.p384)
        case ("EC", "P-521"):
            point(object, coordinateBytes: 66).flatMap {
                try? P521.Signing.PublicKey(x963Representation: $0)
            }.map(VerificationKey.p521)
        case ("OKP", "Ed25519"):
            bytes("x", object).flatMap {
                $0.count == 32 ? try? Curve25519.Signing.PublicKey(rawRepresentation: $0) : nil
            }.map(VerificationKey.ed25519)
        default: nil
        }
    }

    /// 2048 to 8192 bits and an odd exponent of at least 3 and at most 32 bits (RFC 8017 §3.1,
    /// RFC 7518 §3.3).
    private static func rsa(_ object: JSONObject) -> VerificationKey? {
        guard let modulus = bytes("n", object).map(withoutLeadingZeros),
            let exponent = bytes("e", object).map(withoutLeadingZeros),
            let highest = modulus.first, let lowest = modulus.last, lowest & 1 == 1
        else { return nil }
        let bits = modulus.count * 8 - highest.leadingZeroBitCount
        guard (2048...8192).contains(bits), (1...4).contains(exponent.count),
            exponent.reduce(0, { $0 << 8 | UInt64($1) }) >= 3,
            let last = exponent.last, last & 1 == 1, !WeakModulus.isPredictable(modulus)
        else { return nil }
        guard let key = try? _RSA.Signing.PublicKey(n: Data(modulus), e: Data(exponent)) else {
            return nil
        }
        return .rsa(key)
    }

    private static func point(_ object: JSONObject, coordinateBytes: Int) -> [UInt8]? {
        guard let x = bytes("x", object), let y = bytes("y", object), x.count == coordinateBytes,
            y.count == coordinateBytes
        else { return nil }
        return [0x04] + x + y
    }

    private static func bytes(_ name: String, _ object: JSONObject) -> [UInt8]? {
        object[name]?.string.flatMap { Base64URL.decode($0.utf8) }
    }

    private static func withoutLeadingZeros(_ bytes: [UInt8]) -> [UInt8] {
        Array(bytes.drop { $0 == 0 })
    }
}
