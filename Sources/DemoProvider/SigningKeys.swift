import CryptoExtras
import JWTKit

/// The provider's RSA keys: the newest signs, the older ones still verify.
actor SigningKeys {
    private let collection = JWTKeyCollection()
    private var current: JWKIdentifier
    private var published: [JSON] = []

    init() async throws {
        current = JWKIdentifier(string: "")
        try await rotate()
    }

    /// Makes a new signing key; the old ones stay in the published set.
    func rotate() async throws {
        let key = try Insecure.RSA.PrivateKey(backing: _RSA.Signing.PrivateKey(keySize: .bits2048))
        let primitives = try key.publicKey.getKeyPrimitives()
        let name = String(Opaque.token().prefix(16))
        let identifier = JWKIdentifier(string: name)
        await collection.add(rsa: key, digestAlgorithm: .sha256, kid: identifier)
        published.append([
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": .string(name),
            "n": .string(Opaque.base64URL(primitives.modulus)),
            "e": .string(Opaque.base64URL(primitives.publicExponent)),
        ])
        current = identifier
    }

    /// The JWK Set (RFC 7517 §5), public halves only.
    var keySet: JSON { ["keys": .array(published)] }

    /// Signs claims; `type` is the header's `typ`.
    func sign(_ claims: some JWTPayload, type: String) async throws -> String {
        let header = JWTHeader(fields: ["typ": .string(type)])
        return try await collection.sign(claims, kid: current, header: header)
    }

    /// The claims of a token with a good signature, expired or not.
    func verify<Claims: JWTPayload>(_ token: String, as _: Claims.Type) async -> Claims? {
        try? await collection.verify(token, as: Claims.self)
    }
}
