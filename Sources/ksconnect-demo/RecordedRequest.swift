/// One line of the request log: `METHOD TARGET [body: FORM] [authorization: SCHEME …] -> STATUS`.
struct RecordedRequest: Sendable {
    let method: String
    let path: String
    /// The query's parameters as they were sent, in order.
    let query: [String]
    /// The form's parameters as they were sent, in order.
    let form: [String]
    /// The scheme of the `Authorization` header; nil without one.
    let authorization: String?
    let status: String

    init?(line: String) {
        let sides = line.components(separatedBy: " -> ")
        guard let request = sides.first, let status = sides.last, sides.count > 1 else {
            return nil
        }
        let words = request.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count >= 2 else { return nil }
        func value(after mark: String) -> String? {
            words.firstIndex(of: mark).flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil }
        }
        let target = words[1].split(separator: "?", maxSplits: 1).map(String.init)
        guard let path = target.first else { return nil }
        method = words[0]
        self.path = path
        query = Self.parameters(target.count > 1 ? target[1] : "")
        form = Self.parameters(value(after: "body:") ?? "")
        authorization = value(after: "authorization:")
        self.status = status
    }

    private static func parameters(_ text: String) -> [String] {
        text.split(separator: "&").map(String.init)
    }

    var belongsToTheFlow: Bool {
        ["/.well-known/", "/connect/", "/account/", "/api/"].contains { path.hasPrefix($0) }
    }

    var isAuthorization: Bool { path == "/connect/authorize" }
    var isPage: Bool { path.hasPrefix("/account/") }
    var isCallOfTheAPI: Bool { path.hasPrefix("/api/") }
    var isCodeExchange: Bool { isTokenRequest && form.contains("grant_type=authorization_code") }
    var isRefresh: Bool { isTokenRequest && form.contains("grant_type=refresh_token") }
    var isRevocation: Bool { path == "/connect/revocation" }
    var isRedirect: Bool { status == "302" || status == "303" }
    private var isTokenRequest: Bool { path == "/connect/token" }

    /// A parameter of the query as it was sent; nil without it.
    func parameter(_ name: String) -> String? {
        query.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
    }
}

extension String {
    /// `split` for a separator of more than one character.
    fileprivate func components(separatedBy separator: String) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}
