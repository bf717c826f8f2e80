/// A loopback redirect URI (RFC 8252 §7.3): `http`, a loopback host, an explicit port and a path.
///
/// It is sent exactly as written; only a port of 0 is replaced by the port that was bound.
public struct RedirectURI: ExactString {
    public let rawValue: String
    public let host: Host
    /// 0 asks for an ephemeral port.
    public let port: Int
    /// Starts with `/`.
    public let path: String

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
    }

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
        self.host = host
        self.port = port
        self.path = String(tail)
    }

    /// The same URI with the port that was really bound.
    public func bound(to port: Int) throws(Fault) -> RedirectURI {
        self.port == port
            ? self : try RedirectURI("http://\(host.rawValue):\(port)\(path)")
    }
}
