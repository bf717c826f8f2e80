/// Where the provider sends the browser back to: a loopback address that a native app listens on
/// (RFC 8252 §7.3), or a page of a web application.
///
/// It is sent exactly as written; only a loopback port of 0 is replaced by the port that was bound.
public struct RedirectURI: ExactString {
    public let rawValue: String
    /// Starts with `/`.
    public let path: String
    /// What can be listened on; nil where it is a web application's own `https` page.
    public let loopback: Loopback?

    /// `http`, a loopback host and a port.
    public struct Loopback: Hashable, Sendable {
        public let host: Host
        /// 0 asks for an ephemeral port.
        public let port: Int
    }

    /// Which loopback name the URI uses; `localhost` means both address families.
    public enum Host: String, Hashable, Sendable {
        case localhost = "localhost"
        case ipv4 = "127.0.0.1"
        case ipv6 = "[::1]"
    }

    /// Why a text is no redirect URI that this machine can receive.
    public enum Fault: Error, Equatable, Sendable {
        case notLoopbackHTTP
        case badPort
        case badPath
        /// Neither a loopback URI nor an absolute `https` one.
        case notHTTPS
    }

    /// A native app's: on loopback.
    public init(_ text: String) throws(Fault) {
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), text.utf8.count <= 400,
            text.hasPrefix("http://")
        else { throw .notLoopbackHTTP }
        let rest = text.dropFirst("http://".count)
        guard
            let host = [Host.localhost, .ipv4, .ipv6].first(where: { host in
                rest.hasPrefix(host.rawValue)
                    && (rest.dropFirst(host.rawValue.count).first.map { ":/".contains($0) } ?? true)
            })
        else { throw .notLoopbackHTTP }
        var tail = rest.dropFirst(host.rawValue.count)
        var port = 80
        if tail.first == ":" {
            let digits = tail.dropFirst().prefix { $0 != "/" }
            guard (1...5).contains(digits.utf8.count),
                digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits), (0...65535).contains(number)
            else { throw .badPort }
            port = number
            tail = tail.dropFirst(1 + digits.count)
        }
        guard tail.first == "/", !tail.contains("?"), !tail.contains("#") else { throw .badPath }
        self.rawValue = text
        self.path = String(tail)
        self.loopback = Loopback(host: host, port: port)
    }

    /// A web application's: an `https` page without a query (RFC 6749 §3.1.2), or a loopback one for
    /// development.
    public init(web text: String) throws(Fault) {
        guard !text.hasPrefix("http://") else {
            self = try RedirectURI(text)
            return
        }
        let url: WebURL
        do { url = try WebURL(text) } catch { throw .notHTTPS }
        guard url.scheme == "https", text.utf8.count <= 400 else { throw .notHTTPS }
        guard url.path.hasPrefix("/"), url.query == nil, !url.hasDotSegment else { throw .badPath }
        self.init(rawValue: text, path: url.path, loopback: nil)
    }

    private init(rawValue: String, path: String, loopback: Loopback?) {
        self.rawValue = rawValue
        self.path = path
        self.loopback = loopback
    }

    /// The same URI with the port that was really bound; a web application's is as it is.
    public func bound(to port: Int) throws(Fault) -> RedirectURI {
        guard let loopback, loopback.port != port else { return self }
        return try RedirectURI("http://\(loopback.host.rawValue):\(port)\(path)")
    }
}
