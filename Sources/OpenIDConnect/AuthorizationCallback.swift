public import AuthModels

/// The redirect of one sign-in, judged (RFC 6749 §4.1.2, RFC 9207 §2.4): the only way to hold a code.
public struct AuthorizationCallback: Hashable, Sendable {
    public let code: AuthorizationCode
    public let request: AuthorizationRequest

    /// Judges a redirect against its request.
    ///
    /// State first, then `iss`, then error or code; each at most once. Parameters that nobody here
    /// reads are ignored, a description included: it is the other side's text and decides nothing.
    ///
    /// - Parameter target: path and query as the browser sent them.
    /// - Throws: `authorizationResponseInvalid`, `issuerMismatch`, or what the error code means:
    ///   `authorizationDenied`, `configInvalid`, `transient`.
    public init(target: String, answering request: AuthorizationRequest) throws(AuthError) {
        guard let query = Self.query(of: target, on: request) else {
            throw .authorizationResponseInvalid("the redirect is not on the redirect URI's path")
        }
        guard let state = try Self.single("state", in: query) else {
            throw .authorizationResponseInvalid("the redirect has no state")
        }
        guard isSameSecret(state.utf8, request.state.utf8) else {
            throw .authorizationResponseInvalid("the redirect's state is of another sign-in")
        }
        try Self.judgeIssuer(try Self.single("iss", in: query), for: request)
        let error = try Self.single("error", in: query)
        let code = try Self.single("code", in: query)
        switch (error, code) {
        case (let error?, nil): throw Self.meaning(of: error)
        case (nil, let code?):
            guard let code = AuthorizationCode(code) else {
                throw .authorizationResponseInvalid("the code is too long or not visible ASCII")
            }
            self.code = code
            self.request = request
        case (nil, nil):
            throw .authorizationResponseInvalid("the redirect has neither code nor error")
        case (_?, _?): throw .authorizationResponseInvalid("the redirect has a code and an error")
        }
    }

    /// For the listener: whether a request belongs to this sign-in, and so uses it up.
    ///
    /// Anything without the right state is somebody else's, an error too: the sign-in goes on.
    public static func judge(
        target: String, answering request: AuthorizationRequest
    ) -> RedirectJudgement {
        guard let query = query(of: target, on: request) else { return .rejected }
        let states = FormCoder.values(of: "state", in: query)
        guard states.count == 1, let state = states[0],
            isSameSecret(state.utf8, request.state.utf8)
        else { return .rejected }
        return .accepted
    }

    /// The target of a redirected URL that a person pasted; nil unless it begins with the redirect
    /// URI, byte by byte.
    public static func target(
        ofPasted url: String, answering request: AuthorizationRequest
    ) -> String? {
        let text = url.drop { $0.isWhitespace }
        let prefix = request.redirectURI.rawValue + "?"
        guard text.utf8.starts(with: prefix.utf8) else { return nil }
        let end = text.lastIndex { !$0.isWhitespace } ?? text.startIndex
        let query = text[...end].utf8.dropFirst(prefix.utf8.count)
        return request.redirectURI.path + "?" + String(decoding: query, as: UTF8.self)
    }

    private static func query(
        of target: String, on request: AuthorizationRequest
    ) -> Substring? {
        // Only what a request line can hold; 128 KiB is beyond any listener's own limit.
        guard target.utf8.count <= 131_072,
            target.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") })
        else { return nil }
        let mark = target.firstIndex(of: "?") ?? target.endIndex
        guard target[..<mark].utf8.elementsEqual(request.redirectURI.path.utf8) else { return nil }
        return target[mark...].dropFirst()
    }

    /// A parameter's only value; nil without one.
    private static func single(
        _ name: String, in query: Substring
    ) throws(AuthError) -> String? {
        let values = FormCoder.values(of: name, in: query)
        guard values.count <= 1 else {
            throw .authorizationResponseInvalid("the redirect has \(name) more than once")
        }
        guard let value = values.first else { return nil }
        guard let value else {
            throw .authorizationResponseInvalid("the redirect's \(name) does not decode")
        }
        return value
    }

    private static func judgeIssuer(
        _ stated: String?, for request: AuthorizationRequest
    ) throws(AuthError) {
        let isAdvertised = request.metadata.issuerInResponse
        guard let stated else {
            if isAdvertised { throw .issuerMismatch }
            return
        }
        if !isAdvertised, request.issuerPolicy == .ignoreUnadvertised { return }
        guard stated.isExactly(request.metadata.issuer.rawValue) else { throw .issuerMismatch }
    }

    /// RFC 6749 §4.1.2.1 and OpenID Connect Core §3.1.2.6, by what the caller does about it.
    private static func meaning(of error: String) -> AuthError {
        let code = SafeText.code(error)
        return switch error {
        case "server_error", "temporarily_unavailable":
            .transient("the provider answered \(code)", retryAfter: nil)
        case "invalid_request", "invalid_scope", "unauthorized_client", "invalid_client",
            "unsupported_response_type", "invalid_request_uri", "invalid_request_object",
            "request_not_supported", "request_uri_not_supported", "registration_not_supported":
            .configInvalid("the provider refused the sign-in's request: \(code)")
        default: .authorizationDenied(code: code)
        }
    }
}
