import DemoProvider
import Testing

/// A browser without a window: keeps cookies, follows redirects, fills in the pages' forms.
final class Browser {
    private let demo: Demo
    private var cookies: [String: String] = [:]

    init(_ demo: Demo) {
        self.demo = demo
    }

    /// Sends one request with the cookies, and keeps those of the answer.
    func send(_ method: String, _ url: String, form: [(String, String)]? = nil) async throws
        -> Reply
    {
        var headers: [(String, String)] = []
        if !cookies.isEmpty {
            let line = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
            headers.append(("Cookie", line))
        }
        if form != nil { headers.append(("Content-Type", "application/x-www-form-urlencoded")) }
        let reply = try await demo.send(method, url, headers: headers, body: form.map(encode))
        for cookie in reply.all("set-cookie") {
            let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
            cookies[String(pair[0])] = pair.count > 1 ? String(pair[1]) : nil
        }
        return reply
    }

    /// Follows redirects within the provider; stops at a page or at an address outside.
    func follow(_ first: Reply) async throws -> Reply {
        var reply = first
        while let location = reply.location, location.hasPrefix(demo.server.issuer) {
            reply = try await send("GET", location)
        }
        return reply
    }

    func open(_ url: String) async throws -> Reply {
        try await follow(try await send("GET", url))
    }

    /// The hidden fields of a page's form.
    func hidden(_ page: Reply) -> [(String, String)] {
        page.text.split(separator: "<input type=\"hidden\" name=\"").dropFirst().map { field in
            let name = field.prefix { $0 != "\"" }
            let value = field.dropFirst(name.count).drop { $0 != "=" }.dropFirst(2)
            return (String(name), String(value.prefix { $0 != "\"" }))
        }
    }

    /// Sends a page's form with the hidden fields that the page holds.
    func submit(_ page: Reply, to path: String, _ fields: [(String, String)]) async throws -> Reply
    {
        try await follow(
            try await send("POST", demo.server.issuer + path, form: hidden(page) + fields))
    }

    /// Types a password on the login page.
    func logIn(_ page: Reply, password: String? = nil) async throws -> Reply {
        let person = demo.server.configuration.people[0]
        return try await submit(
            page, to: "/account/login",
            [("username", person.username), ("password", password ?? person.password)])
    }

    /// Walks login and consent page, where they come; returns the callback's parameters.
    func signIn(_ url: String) async throws -> [String: String] {
        var page = try await open(url)
        if page.text.contains("<title>Sign in") { page = try await logIn(page) }
        if page.text.contains("<title>Allow access?") {
            page = try await submit(page, to: "/account/consent", [("decision", "allow")])
        }
        return query(of: try #require(page.location, "\(page.text)"))
    }
}
