#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Bytes that are wiped when the last reference goes, and that no printing shows.
///
/// Copies that other code makes on purpose (a header value on its way to a socket) are beyond its
/// reach; docs/threat-model.md says what is and is not promised.
public final class SecretBytes: Sendable {
    private let storage: UnsafeRegion

    public init(_ bytes: some Collection<UInt8>) {
        storage = UnsafeRegion(copying: bytes)
    }

    deinit { storage.wipe() }

    public var count: Int { storage.count }

    /// Lends the bytes; the closure must not keep them.
    public func withBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(storage.bytes)
    }
}

/// An allocation written once in `init` and freed in `wipe`; immutable in between.
private struct UnsafeRegion: Sendable {
    private let address: UInt
    let count: Int

    init(copying source: some Collection<UInt8>) {
        count = source.count
        let region = UnsafeMutableRawBufferPointer.allocate(byteCount: max(count, 1), alignment: 1)
        region.copyBytes(from: source)
        address = UInt(bitPattern: region.baseAddress)
    }

    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: address), count: count)
    }

    func wipe() {
        guard let start = UnsafeMutableRawPointer(bitPattern: address) else { return }
        #if canImport(Darwin)
            memset_s(start, count, 0, count)
        #else
            explicit_bzero(start, count)
        #endif
        start.deallocate()
    }
}

/// A value that must never be shown: printing, `dump` and mirrors give `<redacted>`.
public protocol Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    var bytes: SecretBytes { get }
}

extension Secret {
    public var description: String { "<redacted>" }
    public var debugDescription: String { "<redacted>" }
    public var customMirror: Mirror { Mirror(self, children: []) }

    /// The text itself, for the one place that sends or seals it; of no use for what is no text.
    public func reveal() -> String {
        bytes.withBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// Compares in a time that does not depend on where the first difference stands.
    public static func == (left: Self, right: Self) -> Bool {
        left.bytes.withBytes { left in
            right.bytes.withBytes { right in
                guard left.count == right.count else { return false }
                var difference: UInt8 = 0
                for index in 0..<left.count { difference |= left[index] ^ right[index] }
                return difference == 0
            }
        }
    }

    public func hash(into hasher: inout Hasher) {
        bytes.withBytes { hasher.combine(bytes: $0) }
    }

    /// Whether the text is 1 to `bytesMax` bytes of visible ASCII: what may go into a header
    /// (RFC 6750 §2.1) without being altered.
    static func isToken(_ text: String, bytesMax: Int) -> Bool {
        (1...bytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}

/// What calls the API (RFC 6749 §1.4). At most ``bytesMax`` bytes of visible ASCII.
public struct AccessToken: Secret {
    public static let bytesMax = 65_536
    public let bytes: SecretBytes

    public init?(_ text: String) {
        guard Self.isToken(text, bytesMax: Self.bytesMax) else { return nil }
        bytes = SecretBytes(text.utf8)
    }
}

/// What buys the next access token (RFC 6749 §1.5). At most ``bytesMax`` bytes of visible ASCII,
/// spaces allowed inside (RFC 6749 A.17).
public struct RefreshToken: Secret {
    public static let bytesMax = 65_536
    public let bytes: SecretBytes

    public init?(_ text: String) {
        guard (1...Self.bytesMax).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        bytes = SecretBytes(text.utf8)
    }
}

/// An ID token as received, a JWS in compact form (OpenID Connect Core §2).
public struct IDToken: Secret {
    public static let bytesMax = 65_536
    public let bytes: SecretBytes

    public init?(_ text: String) {
        guard Self.isToken(text, bytesMax: Self.bytesMax) else { return nil }
        bytes = SecretBytes(text.utf8)
    }
}

/// What the redirect carries and the token endpoint takes once (RFC 6749 §4.1.2).
public struct AuthorizationCode: Secret {
    public static let bytesMax = 4096
    public let bytes: SecretBytes

    /// - Returns: nil when empty, too long or not VSCHAR (RFC 6749 A.11).
    public init?(_ text: String) {
        guard (1...Self.bytesMax).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else { return nil }
        bytes = SecretBytes(text.utf8)
    }
}

/// A confidential client's secret (RFC 6749 §2.3.1), any text of 1 to 1024 bytes.
public struct ClientSecret: Secret {
    public let bytes: SecretBytes

    public init?(_ text: String) {
        guard (1...1024).contains(text.utf8.count) else { return nil }
        bytes = SecretBytes(text.utf8)
    }
}
