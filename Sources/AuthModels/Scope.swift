/// A list of scope values in the order given, without repeats (RFC 6749 §3.3).
public struct Scope: Hashable, Sendable, CustomStringConvertible {
    /// In the order of the request or answer; at most ``valuesMax``.
    public let values: [String]

    public static let valuesMax = 100
    public static let openID = "openid"
    public static let offlineAccess = "offline_access"

    public init() { values = [] }

    /// Reads a space-separated list.
    ///
    /// - Returns: nil when a value holds anything but NQCHAR (RFC 6749 §3.3), or there are too many.
    public init?(_ text: String) {
        var seen: [String] = []
        for value in text.split(separator: " ") {
            guard value.utf8.allSatisfy(Self.isScopeByte) else { return nil }
            let value = String(value)
            if !seen.contains(value) { seen.append(value) }
        }
        guard seen.count <= Self.valuesMax else { return nil }
        values = seen
    }

    private static func isScopeByte(_ byte: UInt8) -> Bool {
        byte == 0x21 || (0x23...0x5B).contains(byte) || (0x5D...0x7E).contains(byte)
    }

    /// Space-separated, as it goes on the wire.
    public var description: String { values.joined(separator: " ") }

    public var isEmpty: Bool { values.isEmpty }

    public func contains(_ value: String) -> Bool { values.contains(value) }

    public func isSubset(of other: Scope) -> Bool { values.allSatisfy(other.contains) }
}
