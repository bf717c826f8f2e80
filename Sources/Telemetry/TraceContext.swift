public import Tracing

/// Who called whom, as it goes over the wire (W3C Trace Context, Level 1).
///
/// Read strictly: what is not exactly as the specification says is as good as not there.
public struct TraceContext: Hashable, Sendable {
    /// 32 lowercase hexadecimal digits, not all zero.
    public let traceID: String
    /// 16 lowercase hexadecimal digits, not all zero: the caller's own part of the trace.
    public let parentID: String
    /// Whether the caller records the trace.
    public let isSampled: Bool
    /// What the tracing systems on the way wrote for themselves, as received.
    public let state: String?

    /// A new trace, recorded by nobody yet.
    public init() {
        let high = UInt64.random(in: 0...UInt64.max)
        self.init(
            traceID: Self.hex(high) + Self.hex(Self.randomID()),
            parentID: Self.hex(Self.randomID()), isSampled: false, state: nil)
    }

    /// Reads the two header fields (§3.2, §3.3). A `tracestate` that is not well-formed is left out.
    ///
    /// - Returns: nil when `traceparent` is not well-formed.
    public init?(traceparent: String, tracestate: String? = nil) {
        let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, Self.isHex(parts[0], digits: 2), parts[0] != "ff",
            parts[0] != "00" || parts.count == 4,
            Self.isHex(parts[1], digits: 32), parts[1].contains(where: { $0 != "0" }),
            Self.isHex(parts[2], digits: 16), parts[2].contains(where: { $0 != "0" }),
            Self.isHex(parts[3], digits: 2), let flags = UInt8(parts[3], radix: 16)
        else { return nil }
        self.init(
            traceID: String(parts[1]), parentID: String(parts[2]), isSampled: flags & 1 == 1,
            state: tracestate.flatMap { Self.isState($0) ? $0 : nil })
    }

    private init(traceID: String, parentID: String, isSampled: Bool, state: String?) {
        self.traceID = traceID
        self.parentID = parentID
        self.isSampled = isSampled
        self.state = state
    }

    /// The same trace, one step further: a new part of it that has this one as its parent.
    public func child() -> TraceContext {
        TraceContext(
            traceID: traceID, parentID: Self.hex(Self.randomID()), isSampled: isSampled,
            state: state)
    }

    /// The header field's value (§3.2.2).
    public var traceparent: String { "00-\(traceID)-\(parentID)-\(isSampled ? "01" : "00")" }

    // MARK: Syntax

    private static func randomID() -> UInt64 { .random(in: 1...UInt64.max) }

    private static func hex(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }

    private static func isHex(_ text: Substring, digits: Int) -> Bool {
        text.utf8.count == digits
            && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }

    private static let stateBytesMax = 512
    private static let stateMembersMax = 32

    /// `list = list-member 0*31( OWS "," OWS list-member )` (§3.3.1).
    private static func isState(_ text: String) -> Bool {
        guard text.utf8.count <= stateBytesMax else { return false }
        let members = text.utf8.split(
            separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard members.count <= stateMembersMax else { return false }
        var keys: Set<String> = []
        for member in members {
            let trimmed = member.drop(while: isBlank)
            if trimmed.allSatisfy(isBlank) { continue }
            guard let sign = trimmed.firstIndex(of: UInt8(ascii: "=")),
                isStateKey(trimmed[..<sign]),
                isStateValue(trimmed[trimmed.index(after: sign)...]),
                keys.insert(String(decoding: trimmed[..<sign], as: UTF8.self)).inserted
            else { return false }
        }
        return !keys.isEmpty
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// A lowercase letter or a digit, then those, `_`, `-`, `*`, `/`; at most one `@`.
    private static func isStateKey(_ key: Substring.UTF8View.SubSequence) -> Bool {
        guard let first = key.first, first != UInt8(ascii: "@"), isAlphanumeric(first),
            key.count <= 256, key.last != UInt8(ascii: "@"),
            key.count(where: { $0 == UInt8(ascii: "@") }) <= 1
        else { return false }
        return key.allSatisfy { isAlphanumeric($0) || "_-*/@".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    }

    /// 1 to 256 printable bytes but `,` and `=`, blanks at the end aside.
    private static func isStateValue(_ value: Substring.UTF8View.SubSequence) -> Bool {
        guard let last = value.lastIndex(where: { !isBlank($0) }) else { return false }
        let value = value[...last]
        return value.count <= 256
            && value.allSatisfy { (0x20...0x7E).contains($0) && !",=".utf8.contains($0) }
    }
}

extension InstrumentationContext {
    private enum Key: InstrumentationContextKey {
        typealias Value = TraceContext
        static var nameOverride: String? { "w3c-trace-context" }
    }

    /// The trace that the current work belongs to, with ``TraceContextTracer``.
    public var traceContext: TraceContext? {
        get { self[Key.self] }
        set { self[Key.self] = newValue }
    }
}
