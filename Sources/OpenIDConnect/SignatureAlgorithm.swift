internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials

/// The signatures that an ID token may have (RFC 7518 §3.1, RFC 8037 §3.1). There is no `none` and
/// no HMAC: a public key must never be read as a shared secret (RFC 8725 §3.1).
enum SignatureAlgorithm: String, CaseIterable, Sendable {
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case edDSA = "EdDSA"

    /// The hash that `at_hash` is made with (OpenID Connect Core §3.1.3.6); Ed25519's own is SHA-512.
    func hash(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        switch self {
        case .rs256, .ps256, .es256: Array(SHA256.hash(data: bytes))
        case .rs384, .ps384, .es384: Array(SHA384.hash(data: bytes))
        case .rs512, .ps512, .es512, .edDSA: Array(SHA512.hash(data: bytes))
        }
    }
}

/// A public key of the one type that its algorithms use.
enum VerificationKey: Sendable {
    case rsa(_RSA.Signing.PublicKey)
    case p256(P256.Signing.PublicKey)
    case p384(P384.Signing.PublicKey)
    case p521(P521.Signing.PublicKey)
    case ed25519(Curve25519.Signing.PublicKey)

    func serves(_ algorithm: SignatureAlgorithm) -> Bool {
        switch (self, algorithm) {
        case (.rsa, .rs256), (.rsa, .rs384), (.rsa, .rs512), (.rsa, .ps256), (.rsa, .ps384),
            (.rsa, .ps512), (.p256, .es256), (.p384, .es384), (.p521, .es512),
            (.ed25519, .edDSA):
            true
        default: false
        }
    }

    /// Whether the signature is this key's over the bytes; false for a key of another type too.
    func isValid(
        _ signature: [UInt8], over bytes: [UInt8], _ algorithm: SignatureAlgorithm
    ) -> Bool {
        guard serves(algorithm) else { return false }
        switch self {
        case .rsa(let key): return Self.isValid(signature, over: bytes, algorithm, by: key)
        case .p256(let key):
            // Fixed length, R and S side by side, never DER (RFC 7518 §3.4).
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
            else { return false }
            return key.isValidSignature(signature, for: SHA256.hash(data: bytes))
        case .p384(let key):
            guard let signature = try? P384.Signing.ECDSASignature(rawRepresentation: signature)
            else { return false }
            return key.isValidSignature(signature, for: SHA384.hash(data: bytes))
        case .p521(let key):
            guard let signature = try? P521.Signing.ECDSASignature(rawRepresentation: signature)
            else { return false }
            return key.isValidSignature(signature, for: SHA512.hash(data: bytes))
        case .ed25519(let key):
            return key.isValidSignature(Data(signature), for: Data(bytes))
        }
    }

    private static func isValid(
        _ signature: [UInt8], over bytes: [UInt8], _ algorithm: SignatureAlgorithm,
        by key: _RSA.Signing.PublicKey
    ) -> Bool {
        // A signature is exactly as long as the modulus (RFC 8017 §8.1.2, §8.2.2).
        guard signature.count == (key.keySizeInBits + 7) / 8 else { return false }
        let signature = _RSA.Signing.RSASignature(rawRepresentation: Data(signature))
        let padding: _RSA.Signing.Padding =
            switch algorithm {
            case .ps256, .ps384, .ps512: .PSS
            default: .insecurePKCS1v1_5
            }
        return switch algorithm {
        case .rs256, .ps256:
            key.isValidSignature(signature, for: SHA256.hash(data: bytes), padding: padding)
        case .rs384, .ps384:
            key.isValidSignature(signature, for: SHA384.hash(data: bytes), padding: padding)
        case .rs512, .ps512:
            key.isValidSignature(signature, for: SHA512.hash(data: bytes), padding: padding)
        default: false
        }
    }
}
