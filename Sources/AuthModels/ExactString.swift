/// A string that is compared byte by byte.
///
/// Swift's `String ==` is canonical equivalence: two different byte strings can be equal. OAuth and
/// OpenID Connect compare identifiers by code point (OpenID Connect Core §14, RFC 8414 §4), so every
/// identifier of this package goes through this protocol and none is compared as a bare `String`.
public protocol ExactString: Hashable, Sendable, CustomStringConvertible {
    /// The text exactly as it was received.
    var rawValue: String { get }
}

extension ExactString {
    public static func == (left: Self, right: Self) -> Bool {
        left.rawValue.utf8.elementsEqual(right.rawValue.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        for byte in rawValue.utf8 { hasher.combine(byte) }
        hasher.combine(0xFF as UInt8)
    }

    public var description: String { rawValue }
}

extension String {
    /// Whether two strings are the same bytes; never canonical equivalence.
    public func isExactly(_ other: String) -> Bool {
        utf8.elementsEqual(other.utf8)
    }
}

/// The client's identifier at the provider (RFC 6749 §2.2).
public struct ClientID: ExactString {
    public let rawValue: String

    /// - Returns: nil when empty, longer than 512 bytes, or holding anything but VSCHAR (RFC 6749 A.1).
    public init?(_ rawValue: String) {
        guard (1...512).contains(rawValue.utf8.count),
            rawValue.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        self.rawValue = rawValue
    }
}

/// The person's identifier at the issuer, never reassigned there (OpenID Connect Core §2, `sub`).
public struct Subject: ExactString {
    public let rawValue: String

    /// - Returns: nil when empty, longer than 255 bytes, or not printable ASCII
    ///   (OpenID Connect Core §2).
    public init?(_ rawValue: String) {
        guard (1...255).contains(rawValue.utf8.count),
            rawValue.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        self.rawValue = rawValue
    }
}

/// The name under which a person keeps one session; any printable characters, at most 255 bytes.
public struct AccountName: ExactString {
    public static let `default` = AccountName(unchecked: "default")
    public let rawValue: String

    /// - Returns: nil when empty, longer than 255 bytes, or holding a control, format, line-separator,
    ///   private-use or unassigned character. Names are kept and compared as the bytes given.
    public init?(_ rawValue: String) {
        guard (1...255).contains(rawValue.utf8.count),
            rawValue.unicodeScalars.allSatisfy(Self.isPrintable)
        else { return nil }
        self.rawValue = rawValue
    }

    private init(unchecked rawValue: String) {
        self.rawValue = rawValue
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            false
        default:
            true
        }
    }
}
