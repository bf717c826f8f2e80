/// The values that a path held where its pattern has `:name`.
typealias PathValues = [String: String]

/// One method on one path.
struct Route: Sendable {
    typealias Handler = @Sendable (WebRequest, PathValues) async -> WebAnswer

    let method: String
    /// The name that the counters use; it holds no value of the path.
    let pattern: String
    let handler: Handler

    init(_ method: String, _ pattern: String, _ handler: @escaping Handler) {
        self.method = method
        self.pattern = pattern
        self.handler = handler
    }

    /// The path's values where it fits the pattern.
    func match(_ path: String) -> PathValues? {
        let expected = pattern.split(separator: "/", omittingEmptySubsequences: false)
        let given = path.split(separator: "/", omittingEmptySubsequences: false)
        guard expected.count == given.count else { return nil }
        var values: PathValues = [:]
        for (want, have) in zip(expected, given) {
            if want.hasPrefix(":") {
                guard !have.isEmpty else { return nil }
                values[String(want.dropFirst())] = String(have)
            } else if !sameBytes(String(want), String(have)) {
                return nil
            }
        }
        return values
    }
}

/// All routes of one listener.
struct RouteTable: Sendable {
    let routes: [Route]

    /// The route of a request; otherwise the methods that its path does have.
    func find(_ request: WebRequest) -> Found {
        var allowed: [String] = []
        for route in routes {
            guard let values = route.match(request.path) else { continue }
            if sameBytes(route.method, request.method) { return .route(route, values) }
            allowed.append(route.method)
        }
        return allowed.isEmpty ? .noPath : .noMethod(allowed)
    }

    enum Found {
        case route(Route, PathValues)
        case noMethod([String])
        case noPath
    }
}
