internal import AsyncHTTPClient
internal import AuthModels

/// The way out of a network that has a proxy: `HTTPS_PROXY` and `NO_PROXY`, in either case.
///
/// Only `https` goes through a proxy, by CONNECT, so that the proxy sees host and port and nothing
/// else; loopback hosts never do. A proxy that cannot be understood fails the request rather than
/// going around it.
public struct ProxySettings: Sendable {
    public static let none = ProxySettings(environment: [:])

    enum Route: Equatable {
        case direct
        case proxy
        case misconfigured(String)
    }

    private enum Setting: Sendable {
        case none
        case server(HTTPClient.Configuration.Proxy)
        case misconfigured
    }

    private let setting: Setting
    private let exceptions: [String]

    public init(environment: [String: String]) {
        let address = environment["https_proxy"] ?? environment["HTTPS_PROXY"] ?? ""
        let exceptions = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
        setting = Self.parse(address)
        self.exceptions = exceptions.lowercased().split { $0 == "," || $0 == " " }.map { name in
            String(name.first == "." ? name.dropFirst() : name)
        }
    }

    var server: HTTPClient.Configuration.Proxy? {
        if case .server(let proxy) = setting { proxy } else { nil }
    }

    func route(to url: WebURL) -> Route {
        guard url.scheme == "https", !url.isLoopback, !isExcepted(url.host) else { return .direct }
        switch setting {
        case .none: return .direct
        case .server: return .proxy
        case .misconfigured:
            return .misconfigured("HTTPS_PROXY is not of the form http://[user:password@]host:port")
        }
    }

    private func isExcepted(_ host: String) -> Bool {
        exceptions.contains { exception in
            exception == "*" || host.isExactly(exception) || host.hasSuffix("." + exception)
        }
    }

    private static func parse(_ address: String) -> Setting {
        if address.isEmpty { return .none }
        guard address.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return .misconfigured }
        var rest = address[...]
        if rest.hasPrefix("http://") {
            rest = rest.dropFirst("http://".count)
        } else if rest.contains("://") {
            return .misconfigured
        }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        var authorization: HTTPClient.Authorization?
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            authorization = .basic(
                username: String(parts[0]), password: parts.count > 1 ? String(parts[1]) : "")
            rest = rest[rest.index(after: at)...]
        }
        guard let colon = rest.lastIndex(of: ":"),
            let port = Int(rest[rest.index(after: colon)...]), (1...65535).contains(port),
            !rest[..<colon].isEmpty, !rest[..<colon].contains("/")
        else { return .misconfigured }
        let host = rest[..<colon].filter { $0 != "[" && $0 != "]" }
        return .server(.server(host: host, port: port, authorization: authorization))
    }
}
