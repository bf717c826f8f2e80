public import AuthModels
internal import Crypto
internal import FoundationEssentials

/// Names one data key; a new key always gets a new name.
public struct KeyID: ExactString {
    public let rawValue: String

    /// - Returns: nil unless 8 to 64 lowercase hexadecimal digits.
    public init?(_ rawValue: String) {
        guard Hex.isDigits(rawValue, count: 8...64) else { return nil }
        self.rawValue = rawValue
    }

    init(random: Void) throws(StoreError) {
        rawValue = Hex.encode(try KernelRandom.bytes(8))
    }
}

/// Names one database, so that the keys of several data folders never collide in one keyring.
public struct StoreID: ExactString {
    public let rawValue: String

    /// - Returns: nil unless 8 to 64 lowercase hexadecimal digits.
    public init?(_ rawValue: String) {
        guard Hex.isDigits(rawValue, count: 8...64) else { return nil }
        self.rawValue = rawValue
    }

    init(random: Void) throws(StoreError) {
        rawValue = Hex.encode(try KernelRandom.bytes(16))
    }
}

/// The 256-bit key that seals a database's tokens. It prints as `<redacted>`.
public struct DataKey: Sendable, CustomStringConvertible, CustomReflectable {
    public let id: KeyID
    let bytes: SecretBytes

    /// A vault keeps a key as one printable line, `ksconnect1:<key id>:<base64url>`: a line
    /// survives every tool that a person may look at it with.
    private static let prefix = "ksconnect1:"
    private static let length = 32

    init(id: KeyID, bytes: SecretBytes) {
        self.id = id
        self.bytes = bytes
    }

    /// A new key from the kernel's generator.
    public static func random(id: KeyID) throws(StoreError) -> DataKey {
        var material = try KernelRandom.bytes(length)
        defer { wipe(&material) }
        return DataKey(id: id, bytes: SecretBytes(material))
    }

    /// Reads the line that a vault kept.
    ///
    /// - Returns: nil when it is not a key's line, or another key's.
    public init?(line: SecretBytes, expecting id: KeyID) {
        var material: [UInt8] = line.withBytes { line in
            let head = Array((Self.prefix + id.rawValue + ":").utf8)
            guard line.starts(with: head) else { return [] }
            return Base64URL.decode(line.dropFirst(head.count)) ?? []
        }
        defer { wipe(&material) }
        guard material.count == Self.length else { return nil }
        self.init(id: id, bytes: SecretBytes(material))
    }

    /// The line to keep.
    public func line() -> SecretBytes {
        var text = Array((Self.prefix + id.rawValue + ":").utf8)
        defer { wipe(&text) }
        bytes.withBytes { text += Base64URL.encode($0) }
        return SecretBytes(text)
    }

    var symmetric: SymmetricKey { bytes.withBytes { SymmetricKey(data: $0) } }

    /// Tells whether a key is the one that a database was sealed with, and says nothing about it.
    var checkValue: [UInt8] {
        let message = Array("ksconnect.check.1:\(id.rawValue)".utf8)
        return Array(HMAC<SHA256>.authenticationCode(for: message, using: symmetric).prefix(16))
    }

    public var description: String { "<redacted>" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

func wipe(_ bytes: inout [UInt8]) {
    for index in bytes.indices { bytes[index] = 0 }
}
