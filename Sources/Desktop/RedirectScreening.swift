internal import AuthModels

/// What can be said of a request without knowing the sign-in it may belong to.
enum RedirectScreening: Equatable {
    /// A GET on the redirect URI itself: its target goes to the judge.
    case candidate(String)
    /// Anything else is answered and forgotten.
    case stray(RedirectPage, onRedirectPath: Bool)

    init(_ head: RequestHead, for uri: RedirectURI) {
        let path = head.target.prefix { $0 != "?" }
        let isOnPath = path.utf8.elementsEqual(uri.path.utf8)
        self = Self.screen(head, for: uri, isOnPath: isOnPath)
    }

    private static func screen(
        _ head: RequestHead, for uri: RedirectURI, isOnPath: Bool
    ) -> RedirectScreening {
        // Absolute-form and authority-form are for proxies; a fragment is never sent.
        guard head.target.utf8.first == UInt8(ascii: "/"),
            !head.target.utf8.contains(UInt8(ascii: "#"))
        else { return .stray(.badRequest, onRedirectPath: false) }
        let hosts = head.values(of: "host")
        guard let host = hosts.first, hosts.count == 1 else {
            return .stray(.badRequest, onRedirectPath: isOnPath)
        }
        // A page of another origin that had its name resolved to loopback (DNS rebinding) says so.
        guard accepts(host: host, uri) else {
            return .stray(.misdirected, onRedirectPath: isOnPath)
        }
        guard isOnPath else { return .stray(.notFound, onRedirectPath: false) }
        guard head.method.isExactly("GET") else {
            return .stray(.methodNotAllowed, onRedirectPath: true)
        }
        let lengths = head.values(of: "content-length")
        guard head.values(of: "transfer-encoding").isEmpty,
            lengths.allSatisfy({ $0.isExactly("0") })
        else { return .stray(.badRequest, onRedirectPath: true) }
        return .candidate(head.target)
    }

    private static func accepts(host: String, _ uri: RedirectURI) -> Bool {
        guard let own = uri.loopback else { return false }
        if host.isExactly("\(own.host.rawValue):\(own.port)") { return true }
        return own.port == 80 && host.isExactly(own.host.rawValue)
    }
}
