import Crypto
import FoundationEssentials

/// Whether two strings are the same bytes, in a time that does not tell where they differ.
///
/// Swift's `==` on strings is canonical equivalence: two different byte strings can be equal.
func sameBytes(_ one: String, _ other: String) -> Bool {
    let left = Array(one.utf8)
    let right = Array(other.utf8)
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(into: UInt8(0)) { $0 |= $1.0 ^ $1.1 } == 0
}

/// A string as a key of a dictionary, compared byte by byte.
struct ExactKey: Hashable, Sendable {
    private let bytes: [UInt8]

    init(_ string: String) {
        bytes = Array(string.utf8)
    }
}

/// Random values and digests in the alphabets that the protocol asks for.
enum Opaque {
    /// 32 bytes of the system's randomness in base64url: 43 characters.
    static func token() -> String {
        base64URL(SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) })
    }

    /// Base64url without padding (RFC 4648 §5).
    static func base64URL(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// The bytes of a base64url text without padding; nil for any other text.
    static func bytes(ofBase64URL text: String) -> [UInt8]? {
        guard !text.utf8.contains(where: { "+/=".utf8.contains($0) }) else { return nil }
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        let base64 = text.replacing("-", with: "+").replacing("_", with: "/") + padding
        return Data(base64Encoded: base64).map(Array.init)
    }

    /// The S256 transformation of a code verifier (RFC 7636 §4.2).
    static func s256(_ verifier: String) -> String {
        base64URL(SHA256.hash(data: Data(verifier.utf8)))
    }

    /// The left half of a token's digest (OpenID Connect Core §3.1.3.6).
    static func atHash(_ accessToken: String) -> String {
        base64URL(SHA256.hash(data: Data(accessToken.utf8)).prefix(16))
    }

    /// A short name for a secret that tells two apart and gives neither away.
    static func fingerprint(_ secret: String) -> String {
        String(s256(secret).prefix(8))
    }
}
