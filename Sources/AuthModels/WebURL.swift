/// An absolute `https` URL, or an `http` one on a loopback host, checked byte by byte.
///
/// Foundation's `URL` repairs what it is given (it encodes line breaks and reads the host of
/// `https://good\@evil/` as `evil`), so text that decides where secrets go is parsed here and kept
/// exactly as received. Refused: anything but visible ASCII, a backslash, user information, a
/// fragment, a host that is not a plain name or address, a length over 4096 bytes.
public struct WebURL: ExactString {
    public let rawValue: String
    /// Lowercase `http` or `https`.
    public let scheme: String
    /// Lowercase host name or address; an IPv6 address keeps its brackets.
    public let host: String
    /// The port as written, nil where the scheme's own is meant.
    public let port: Int?
    /// Path as written, "" or starting with `/`.
    public let path: String
    /// Query as written, without the `?`; nil when there is none.
    public let query: String?

    public static let bytesMax = 4096

    /// Why a text is refused.
    public enum Fault: Error, Equatable, Sendable {
        case tooLong
        case forbiddenCharacter
        case notAbsolute
        case schemeNotAllowed
        case userInformation
        case badHost
        case badPort
        case fragment
        /// `http` is accepted on loopback hosts only.
        case cleartext
    }

    public init(_ text: String) throws(Fault) {
        guard text.utf8.count <= Self.bytesMax else { throw .tooLong }
        guard text.utf8.allSatisfy(Self.isURLByte) else { throw .forbiddenCharacter }
        guard let separator = text.range(ofASCII: "://") else { throw .notAbsolute }
        let scheme = String(text[..<separator.lowerBound]).lowercased()
        guard scheme == "https" || scheme == "http" else { throw .schemeNotAllowed }
        let rest = text[separator.upperBound...]
        guard !rest.utf8.contains(UInt8(ascii: "#")) else { throw .fragment }
        let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<authorityEnd]
        guard !authority.contains("@") else { throw .userInformation }
        let (host, port) = try Self.hostAndPort(authority)
        let tail = rest[authorityEnd...]
        let queryMark = tail.firstIndex(of: "?")
        self.rawValue = text
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = String(tail[..<(queryMark ?? tail.endIndex)])
        self.query = queryMark.map { String(tail[tail.index(after: $0)...]) }
        guard scheme == "https" || isLoopback else { throw .cleartext }
    }

    private static func hostAndPort(
        _ authority: Substring
    ) throws(Fault) -> (host: String, port: Int?) {
        var host = authority
        var portText: Substring?
        if authority.first == "[" {
            guard let close = authority.firstIndex(of: "]") else { throw .badHost }
            host = authority[...close]
            let inside = authority[authority.index(after: authority.startIndex)..<close]
            guard inside.contains(":"),
                inside.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." })
            else { throw .badHost }
            let after = authority[authority.index(after: close)...]
            if !after.isEmpty {
                guard after.first == ":" else { throw .badHost }
                portText = after.dropFirst()
            }
        } else {
            if let colon = authority.firstIndex(of: ":") {
                host = authority[..<colon]
                portText = authority[authority.index(after: colon)...]
            }
            guard !host.isEmpty, host.utf8.count <= 253, host.first != "-", host.first != ".",
                host.utf8.allSatisfy(Self.isHostByte)
            else { throw .badHost }
        }
        guard let portText else { return (host.lowercased(), nil) }
        guard (1...5).contains(portText.utf8.count),
            portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(portText), (1...65535).contains(port)
        else { throw .badPort }
        return (host.lowercased(), port)
    }

    /// Visible ASCII without what no URL holds unescaped. A switch, since a store parses ten URLs for
    /// each account that it lists.
    private static func isURLByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "<"), UInt8(ascii: ">"),
            UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"), UInt8(ascii: "|"),
            UInt8(ascii: "}"):
            false
        default:
            (0x21...0x7E).contains(byte)
        }
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"):
            true
        default:
            false
        }
    }

    /// The port that a connection goes to.
    public var effectivePort: Int { port ?? (scheme == "https" ? 443 : 80) }

    /// `localhost`, 127.0.0.0/8 or `[::1]` (RFC 8252 §7.3); names under `localhost` are not counted.
    public var isLoopback: Bool { Self.isLoopback(host: host) }

    public static func isLoopback(host: String) -> Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { part in
                (1...3).contains(part.utf8.count)
                    && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
                    && (Int(part).map { $0 <= 255 } ?? false)
            }
    }

    /// Scheme, host and port: where a credential may go (RFC 6454 §4).
    public var origin: Origin { Origin(scheme: scheme, host: host, port: effectivePort) }

    /// What two URLs share that one credential may go to; compared as a whole.
    public struct Origin: Hashable, Sendable, CustomStringConvertible {
        public let scheme: String
        public let host: String
        public let port: Int

        public var description: String { "\(scheme)://\(host):\(port)" }
    }

    /// The same URL with text put behind its path, as `https://h/api` and `/me` give `https://h/api/me`.
    ///
    /// - Throws: when the result is not such a URL, or a `.` or `..` segment would leave the path.
    public func appending(path suffix: String) throws(Fault) -> WebURL {
        let base = String(rawValue.prefix { $0 != "?" })
        let trimmed = base.hasSuffix("/") ? String(base.dropLast()) : base
        let joined = try WebURL(trimmed + (suffix.hasPrefix("/") ? suffix : "/" + suffix))
        guard !joined.hasDotSegment, joined.origin == origin else { throw .forbiddenCharacter }
        return joined
    }

    /// Whether the path holds `.` or `..`, also percent-encoded.
    public var hasDotSegment: Bool {
        path.split(separator: "/").contains { segment in
            let plain = segment.lowercased().replacingPercentDots
            return plain == "." || plain == ".."
        }
    }
}

extension String {
    fileprivate func range(ofASCII needle: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(needle) {
                return start..<index(start, offsetBy: needle.count)
            }
            start = index(after: start)
        }
        return nil
    }

    fileprivate var replacingPercentDots: String {
        split(separator: "%2e", omittingEmptySubsequences: false).joined(separator: ".")
    }
}
