/// The private key that the tokens of one sign-in are bound to (RFC 9449 §4.1): a P-256 scalar, 32
/// bytes, most significant first.
///
/// It never leaves the machine; what goes out are its public half and signatures.
public struct DPoPKey: Secret {
    public static let bytesCount = 32
    public let bytes: SecretBytes

    /// The order of P-256's base point (SEC 2 §2.4.2): a scalar is smaller, and not zero.
    private static let order: [UInt8] = [
        0xFF, 0xFF, 0xFF, 0xFF, 0x00, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
        0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17, 0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63,
        0x25, 0x51,
    ]

    /// - Returns: nil for what is no scalar of P-256.
    public init?(_ bytes: SecretBytes) {
        let isScalar = bytes.withBytes { bytes in
            bytes.count == Self.bytesCount && bytes.contains { $0 != 0 }
                && bytes.lexicographicallyPrecedes(Self.order)
        }
        guard isScalar else { return nil }
        self.bytes = bytes
    }
}

/// How an access token is presented (RFC 6749 §7.1). The raw value is the scheme.
public enum AccessTokenType: String, Hashable, Sendable {
    /// Whoever has it may use it (RFC 6750).
    case bearer = "Bearer"
    /// Bound to a key: each request carries a proof that the sender holds it (RFC 9449).
    case dpop = "DPoP"
}
