/// The head of one request, as far as the redirect listener cares.
struct RequestHead: Equatable {
    struct Field: Equatable {
        /// Lowercase.
        var name: String
        var value: String
    }

    var method: String
    var target: String
    var fields: [Field]

    func values(of name: String) -> [String] {
        fields.filter { $0.name.isExactlyASCII(name) }.map(\.value)
    }
}

/// Reads one request head byte by byte (RFC 9112 §2.2, §3, §5), strictly: what real browsers send
/// is well-formed, and whatever else connects gets no benefit of the doubt.
///
/// Refused: a bare LF or CR, control bytes, NUL, folded lines, an empty first line, more than one
/// space in the request line, HTTP versions other than 1.0 and 1.1, and heads over the caps. Bytes
/// behind the head are ignored: one connection carries one request.
struct RequestHeadParser {
    static let lineBytesMax = 8 * 1024
    static let headBytesMax = 16 * 1024

    enum Progress: Equatable {
        case needsMore
        case head(RequestHead)
        case refused(Refusal)
    }

    enum Refusal: Equatable {
        case notHTTP
        case targetTooLong
        case headTooLarge
    }

    private var lines: [[UInt8]] = []
    private var line: [UInt8] = []
    private var count = 0

    mutating func read(_ bytes: some Sequence<UInt8>) -> Progress {
        for byte in bytes {
            count += 1
            guard count <= Self.headBytesMax else { return .refused(.headTooLarge) }
            switch read(byte) {
            case .needsMore: continue
            case .head(let head): return .head(head)
            case .refused(let refusal): return .refused(refusal)
            }
        }
        return .needsMore
    }

    private mutating func read(_ byte: UInt8) -> Progress {
        if line.last == .carriageReturn {
            guard byte == .lineFeed else { return .refused(.notHTTP) }
            line.removeLast()
            return endLine()
        }
        guard byte == .carriageReturn || byte == .tab || (byte >= 0x20 && byte != 0x7F) else {
            return .refused(.notHTTP)
        }
        guard line.count < Self.lineBytesMax || byte == .carriageReturn else {
            return .refused(lines.isEmpty ? .targetTooLong : .headTooLarge)
        }
        line.append(byte)
        return .needsMore
    }

    private mutating func endLine() -> Progress {
        if !line.isEmpty {
            lines.append(line)
            line = []
            return .needsMore
        }
        guard let head = Self.head(lines) else { return .refused(.notHTTP) }
        return .head(head)
    }

    private static func head(_ lines: [[UInt8]]) -> RequestHead? {
        guard let first = lines.first else { return nil }
        let parts = first.split(separator: .space, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(\.isTokenByte),
            !parts[1].isEmpty, parts[1].allSatisfy({ (0x21...0x7E).contains($0) }),
            parts[2].elementsEqual("HTTP/1.1".utf8) || parts[2].elementsEqual("HTTP/1.0".utf8)
        else { return nil }
        var fields: [RequestHead.Field] = []
        for line in lines.dropFirst() {
            guard let field = field(line) else { return nil }
            fields.append(field)
        }
        return RequestHead(
            method: String(decoding: parts[0], as: UTF8.self),
            target: String(decoding: parts[1], as: UTF8.self), fields: fields)
    }

    private static func field(_ line: [UInt8]) -> RequestHead.Field? {
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > 0,
            line[..<colon].allSatisfy(\.isTokenByte)
        else { return nil }
        var value = line[(colon + 1)...]
        while let first = value.first, first == .space || first == .tab { value.removeFirst() }
        while let last = value.last, last == .space || last == .tab { value.removeLast() }
        return RequestHead.Field(
            name: String(decoding: line[..<colon], as: UTF8.self).lowercased(),
            value: String(decoding: value, as: UTF8.self))
    }
}

extension String {
    fileprivate func isExactlyASCII(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }
}

extension UInt8 {
    fileprivate static let tab: UInt8 = 0x09
    fileprivate static let lineFeed: UInt8 = 0x0A
    fileprivate static let carriageReturn: UInt8 = 0x0D
    fileprivate static let space: UInt8 = 0x20

    /// RFC 9110 §5.6.2.
    fileprivate var isTokenByte: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default:
            "!#$%&'*+-.^_`|~".utf8.contains(self)
        }
    }
}
