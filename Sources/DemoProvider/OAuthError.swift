/// An error of the protocol as it goes over the wire (RFC 6749 §4.1.2.1, §5.2).
struct OAuthError: Error {
    enum Code: String {
        case invalidRequest = "invalid_request"
        case invalidClient = "invalid_client"
        case invalidGrant = "invalid_grant"
        case unauthorizedClient = "unauthorized_client"
        case unsupportedGrantType = "unsupported_grant_type"
        case unsupportedResponseType = "unsupported_response_type"
        case invalidScope = "invalid_scope"
        case accessDenied = "access_denied"
        case loginRequired = "login_required"
        case consentRequired = "consent_required"
        case invalidProof = "invalid_dpop_proof"
        case useNonce = "use_dpop_nonce"
        case requestNotSupported = "request_not_supported"
        case serverError = "server_error"
    }

    let code: Code
    let description: String?

    init(_ code: Code, _ description: String? = nil) {
        self.code = code
        self.description = description
    }

    /// The answer of the token endpoint: 400 for every error, as the IdentityServer family does.
    var answer: WebAnswer {
        var members: [String: JSON] = ["error": .string(code.rawValue)]
        if let description { members["error_description"] = .string(description) }
        return WebAnswer.json(.object(members), status: 400).adding("Pragma", "no-cache")
    }
}
