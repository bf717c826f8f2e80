internal import HTTPTypes

/// One challenge of a `WWW-Authenticate` field (RFC 9110 §11.6.1).
public struct AuthenticationChallenge: Hashable, Sendable {
    /// Lowercase.
    public let scheme: String
    /// The `token68` form, where the challenge has that instead of parameters.
    public internal(set) var token68: String?
    /// By lowercase name; the first of a repeated name.
    public internal(set) var parameters: [String: String]

    /// The field's total size over which nothing of it is read.
    public static let bytesMax = 64 << 10

    /// The challenges of all lines in the order given. What is no challenge is passed over, up to
    /// the next comma; lines over ``bytesMax`` in all give none.
    public static func parse(_ lines: [String]) -> [AuthenticationChallenge] {
        guard lines.reduce(0, { $0 + $1.utf8.count }) <= bytesMax else { return [] }
        return lines.flatMap { line in
            var parser = ChallengeParser(bytes: Array(line.utf8))
            return parser.challenges()
        }
    }
}

/// Reads one line in one pass, byte by byte.
private struct ChallengeParser {
    let bytes: [UInt8]
    var position = 0

    private static let comma = UInt8(ascii: ",")
    private static let equals = UInt8(ascii: "=")
    private static let quote = UInt8(ascii: "\"")
    private static let backslash = UInt8(ascii: "\\")

    init(bytes: [UInt8]) { self.bytes = bytes }

    private var byte: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func challenges() -> [AuthenticationChallenge] {
        var found: [AuthenticationChallenge] = []
        while true {
            skip { Self.isSpace($0) || $0 == Self.comma }
            guard byte != nil else { return found }
            let name = take(Self.isTokenByte).lowercased()
            guard !name.isEmpty else {
                skipElement()
                continue
            }
            if isAtEqualsSign, let value = parameterValue() {
                // A parameter of the challenge before; without one it belongs to nothing.
                if var last = found.popLast() {
                    if last.parameters[name] == nil { last.parameters[name] = value }
                    found.append(last)
                }
            } else {
                found.append(challenge(scheme: name))
            }
        }
    }

    /// What follows a scheme: a token68, a first parameter, or nothing.
    private mutating func challenge(scheme: String) -> AuthenticationChallenge {
        var challenge = AuthenticationChallenge(scheme: scheme, token68: nil, parameters: [:])
        guard let next = byte, Self.isSpace(next) else {
            if let next = byte, next != Self.comma { skipElement() }
            return challenge
        }
        skip(Self.isSpace)
        if let token = token68() {
            challenge.token68 = token
            return challenge
        }
        let start = position
        let name = take(Self.isTokenByte).lowercased()
        if !name.isEmpty, isAtEqualsSign, let value = parameterValue() {
            challenge.parameters[name] = value
        } else if byte != nil {
            position = start
            skipElement()
        }
        return challenge
    }

    /// `1*( ALPHA / DIGIT / "-._~+/" ) *"="`, only where nothing else of the element follows.
    private mutating func token68() -> String? {
        let start = position
        var text = take(Self.isToken68Byte)
        text += take { $0 == Self.equals }
        skip(Self.isSpace)
        guard !text.isEmpty, byte == nil || byte == Self.comma else {
            position = start
            return nil
        }
        return text
    }

    /// Whether `=` comes next, bad white space (RFC 9110 §5.6.3) before it allowed.
    private var isAtEqualsSign: Bool {
        var index = position
        while index < bytes.count, Self.isSpace(bytes[index]) { index += 1 }
        return index < bytes.count && bytes[index] == Self.equals
    }

    /// The token or quoted string behind `=`; nil, the element passed over, when it is neither.
    private mutating func parameterValue() -> String? {
        skip(Self.isSpace)
        position += 1
        skip(Self.isSpace)
        let value = byte == Self.quote ? quotedString() : take(Self.isTokenByte)
        skip(Self.isSpace)
        guard let value, byte == nil || byte == Self.comma else {
            skipElement()
            return value
        }
        return value
    }

    /// - Returns: nil when the closing quote is missing.
    private mutating func quotedString() -> String? {
        position += 1
        var text: [UInt8] = []
        while let next = byte {
            position += 1
            switch next {
            case Self.quote: return String(decoding: text, as: UTF8.self)
            case Self.backslash:
                guard let escaped = byte else { return nil }
                text.append(escaped)
                position += 1
            default: text.append(next)
            }
        }
        return nil
    }

    /// To the next comma that stands outside quotes.
    private mutating func skipElement() {
        while let next = byte, next != Self.comma {
            if next == Self.quote { _ = quotedString() } else { position += 1 }
        }
    }

    private mutating func skip(_ isSkipped: (UInt8) -> Bool) {
        while let next = byte, isSkipped(next) { position += 1 }
    }

    private mutating func take(_ isTaken: (UInt8) -> Bool) -> String {
        let start = position
        skip(isTaken)
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }

    /// `tchar` (RFC 9110 §5.6.2).
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }

    private static func isToken68Byte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "-._~+/".utf8.contains(byte)
    }
}
