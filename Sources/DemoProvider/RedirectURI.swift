/// A redirect URI taken apart just far enough to free the port of a loopback host.
struct RedirectURI {
    /// `http://localhost` or the like, for the `form-action` of a page's policy.
    let origin: String
    private let withoutPort: String?

    /// Takes a URI apart; nil where it has no scheme, carries a fragment or control characters.
    init?(_ text: String) {
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }), !text.utf8.contains(0x23),
            let colon = text.firstIndex(of: ":")
        else { return nil }
        let scheme = text[..<colon]
        let rest = text[text.index(after: colon)...]
        guard rest.hasPrefix("//") else {
            origin = "\(scheme):"
            withoutPort = nil
            return
        }
        let authority = rest.dropFirst(2).prefix { $0 != "/" && $0 != "?" }
        let tail = rest.dropFirst(2 + authority.count)
        origin = scheme == "http" || scheme == "https" ? "\(scheme)://\(authority)" : "\(scheme):"
        let host = ["localhost", "127.0.0.1", "[::1]"].first { host in
            guard authority.hasPrefix(host) else { return false }
            let port = authority.dropFirst(host.count)
            return port.isEmpty || port.first == ":" && UInt16(port.dropFirst()) != nil
        }
        withoutPort = scheme == "http" ? host.map { "\(scheme)://\($0)\(tail)" } : nil
    }

    /// Whether a URI is a registered one: exactly, or in all but the port of a loopback host.
    ///
    /// RFC 6749 §3.1.2.3, RFC 8252 §7.3.
    static func isRegistered(_ given: String, among registered: [String]) -> Bool {
        guard let candidate = RedirectURI(given) else { return false }
        return registered.contains { entry in
            if sameBytes(entry, given) { return true }
            guard let free = RedirectURI(entry)?.withoutPort, let mine = candidate.withoutPort
            else { return false }
            return sameBytes(free, mine)
        }
    }

    /// A redirect URI with parameters added to its query.
    static func adding(_ parameters: [(String, String?)], to uri: String) -> String {
        let query = parameters.compactMap { name, value in
            value.map { "\(name)=\(FormFields.encode($0))" }
        }
        return uri + (uri.contains("?") ? "&" : "?") + query.joined(separator: "&")
    }
}
