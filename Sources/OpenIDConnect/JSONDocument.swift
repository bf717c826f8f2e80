/// Why a body is not the JSON that this package accepts.
public enum JSONFault: Error, Hashable, Sendable {
    case tooLarge
    case tooDeep
    case byteOrderMark
    case notUTF8
    case loneSurrogate
    case duplicateMember
    case trailingBytes
    case truncated
    /// The byte where the text stops being JSON.
    case malformed(offset: Int)

    /// A phrase for error texts; holds nothing of the document.
    public var reason: String {
        switch self {
        case .tooLarge: "the JSON is too large"
        case .tooDeep: "the JSON is nested too deep"
        case .byteOrderMark: "the JSON begins with a byte order mark"
        case .notUTF8: "the JSON is not UTF-8"
        case .loneSurrogate: "the JSON holds half a surrogate pair"
        case .duplicateMember: "the JSON names a member twice"
        case .trailingBytes: "bytes follow the JSON"
        case .truncated: "the JSON is cut off"
        case .malformed(let offset): "not JSON at byte \(offset)"
        }
    }
}

/// Reads JSON strictly (RFC 8259, and I-JSON's RFC 7493 §2.1 and §2.3).
///
/// The platform's parsers disagree about duplicate members (one keeps the last, the other the
/// first), so a document that a provider and a client read differently is refused here.
public enum JSONDocument {
    public static let depthMax = 32
    public static let bytesMaxDefault = 1 << 20

    public static func parse(
        _ bytes: [UInt8], bytesMax: Int = Self.bytesMaxDefault
    ) throws(JSONFault) -> JSONValue {
        guard bytes.count <= bytesMax else { throw .tooLarge }
        guard !bytes.starts(with: [0xEF, 0xBB, 0xBF]), !bytes.starts(with: [0xFE, 0xFF]),
            !bytes.starts(with: [0xFF, 0xFE])
        else { throw .byteOrderMark }
        var parser = JSONParser(bytes)
        parser.skipSpace()
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.isAtEnd else { throw .trailingBytes }
        return value
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    func current() throws(JSONFault) -> UInt8 {
        guard position < bytes.count else { throw .truncated }
        return bytes[position]
    }

    func fault() -> JSONFault { isAtEnd ? .truncated : .malformed(offset: position) }

    mutating func value(depth: Int) throws(JSONFault) -> JSONValue {
        switch try current() {
        case UInt8(ascii: "{"): return try object(depth: depth + 1)
        case UInt8(ascii: "["): return try array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func word(
        _ word: StaticString, _ value: JSONValue
    ) throws(JSONFault) -> JSONValue {
        for index in 0..<word.utf8CodeUnitCount {
            guard try current() == word.utf8Start[index] else { throw fault() }
            position += 1
        }
        return value
    }

    private mutating func object(depth: Int) throws(JSONFault) -> JSONValue {
        guard depth <= JSONDocument.depthMax else { throw .tooDeep }
        position += 1
        var members: [JSONObject.Member] = []
        var names: Set<ExactName> = []
        skipSpace()
        if try current() == UInt8(ascii: "}") {
            position += 1
            return .object(JSONObject(members: []))
        }
        while true {
            guard try current() == UInt8(ascii: "\"") else { throw fault() }
            let name = try string()
            guard names.insert(ExactName(text: name)).inserted else { throw .duplicateMember }
            skipSpace()
            guard try current() == UInt8(ascii: ":") else { throw fault() }
            position += 1
            skipSpace()
            members.append(.init(name: name, value: try value(depth: depth)))
            guard try isSeparated(or: UInt8(ascii: "}")) else { break }
        }
        return .object(JSONObject(members: members))
    }

    private mutating func array(depth: Int) throws(JSONFault) -> JSONValue {
        guard depth <= JSONDocument.depthMax else { throw .tooDeep }
        position += 1
        var values: [JSONValue] = []
        skipSpace()
        if try current() == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        repeat {
            values.append(try value(depth: depth))
        } while try isSeparated(
            or: UInt8(ascii: "]"))
        return .array(values)
    }

    /// Moves over a comma (true) or over the closing byte (false).
    private mutating func isSeparated(or close: UInt8) throws(JSONFault) -> Bool {
        skipSpace()
        let byte = try current()
        guard byte == UInt8(ascii: ",") || byte == close else { throw fault() }
        position += 1
        if byte == close { return false }
        skipSpace()
        return true
    }

    private mutating func string() throws(JSONFault) -> String {
        position += 1
        let start = position
        while true {
            let byte = try current()
            if byte == UInt8(ascii: "\"") {
                guard let text = String(validating: bytes[start..<position], as: UTF8.self) else {
                    throw .notUTF8
                }
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            guard byte >= 0x20 else { throw fault() }
            position += 1
        }
    }

    private mutating func escapedString(from start: Int) throws(JSONFault) -> String {
        var text = Array(bytes[start..<position])
        while true {
            let byte = try current()
            guard byte >= 0x20 else { throw fault() }
            position += 1
            if byte == UInt8(ascii: "\"") { break }
            if byte == UInt8(ascii: "\\") {
                text += Array(String(Character(try escape())).utf8)
            } else {
                text.append(byte)
            }
        }
        guard let text = String(validating: text, as: UTF8.self) else { throw .notUTF8 }
        return text
    }

    private mutating func escape() throws(JSONFault) -> Unicode.Scalar {
        let byte = try current()
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default:
            position -= 1
            throw fault()
        }
    }

    private mutating func unicodeEscape() throws(JSONFault) -> Unicode.Scalar {
        let first = try fourDigits()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, position + 1 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { throw .loneSurrogate }
        position += 2
        let second = try fourDigits()
        guard (0xDC00...0xDFFF).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw .loneSurrogate }
        return scalar
    }

    private mutating func fourDigits() throws(JSONFault) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let digit = hexadecimalValue(of: try current()) else { throw fault() }
            value = value << 4 | UInt32(digit)
            position += 1
        }
        return value
    }

    private mutating func number() throws(JSONFault) -> JSONNumber {
        let start = position
        if try current() == UInt8(ascii: "-") { position += 1 }
        if try current() == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if position < bytes.count, bytes[position] == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            let sign = try current()
            if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        return JSONNumber(text: String(decoding: bytes[start..<position], as: UTF8.self))
    }

    private mutating func digits() throws(JSONFault) {
        let start = position
        while position < bytes.count, (0x30...0x39).contains(bytes[position]) { position += 1 }
        guard position > start else { throw fault() }
    }
}

/// A member's name, compared and hashed by its bytes.
private struct ExactName: Hashable {
    let text: String

    static func == (left: Self, right: Self) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}

/// The value of a hexadecimal digit in either case.
func hexadecimalValue(of byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}
