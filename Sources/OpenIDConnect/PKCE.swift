public import AuthModels
internal import Crypto

/// Proof Key for Code Exchange, always with S256 (RFC 7636 §4): never `plain`, never none.
public struct PKCE: Hashable, Sendable {
    /// What the token endpoint alone gets to see (RFC 7636 §4.1).
    public struct Verifier: Secret {
        public let bytes: SecretBytes

        /// 32 random bytes as 43 characters, as RFC 7636 §4.1 recommends.
        public init(random: some RandomSource) throws(RandomnessUnavailable) {
            bytes = SecretBytes(try RandomText.make(from: random).utf8)
        }

        init(text: String) {
            bytes = SecretBytes(text.utf8)
        }
    }

    public static let method = "S256"

    public let verifier: Verifier
    /// 43 characters (RFC 7636 §4.2).
    public let challenge: String

    /// - Throws: ``RandomnessUnavailable``; no sign-in goes on with a weaker verifier.
    public init(random: some RandomSource) throws(RandomnessUnavailable) {
        self.init(verifier: try Verifier(random: random))
    }

    init(verifier: Verifier) {
        self.verifier = verifier
        challenge = verifier.bytes.withBytes { Base64URL.encode(SHA256.hash(data: $0)) }
    }
}

/// Unguessable values: state, nonce and verifier.
enum RandomText {
    static let bytesCount = 32

    static func make(from random: some RandomSource) throws(RandomnessUnavailable) -> String {
        let bytes = try random.bytes(bytesCount)
        // A source that gives less than it was asked for is as good as none.
        guard bytes.count == bytesCount else { throw RandomnessUnavailable(errno: 0) }
        return Base64URL.encode(bytes)
    }
}
