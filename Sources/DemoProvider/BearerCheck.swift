import FoundationEssentials

/// Judges the bearer token of a request (RFC 6750 §2.1, §3).
struct BearerCheck: Sendable {
    let provider: Provider

    enum Refusal: Error {
        case missing
        case invalidToken(String)
        case insufficientScope(String)

        /// The refusal with its challenge; the body is the caller's own shape of error.
        func answer(body: JSON) -> WebAnswer {
            let (status, challenge) =
                switch self {
                case .missing: (401, "Bearer")
                case .invalidToken(let why):
                    (401, #"Bearer error="invalid_token", error_description="\#(why)""#)
                case .insufficientScope(let scope):
                    (403, #"Bearer error="insufficient_scope", scope="\#(scope)""#)
                }
            let answer =
                body == .null ? WebAnswer(status: status) : WebAnswer.json(body, status: status)
            return answer.adding("WWW-Authenticate", challenge)
        }
    }

    /// The claims of a token that is signed by this provider, not expired and not revoked.
    func check(_ request: WebRequest) async -> Result<AccessTokenClaims, Refusal> {
        guard let header = request.header("authorization") else { return .failure(.missing) }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return .failure(.missing) }
        guard
            let claims = await provider.keys.verify(String(parts[1]), as: AccessTokenClaims.self),
            sameBytes(claims.iss, provider.addresses.issuer)
        else { return .failure(.invalidToken("The token is not one of this provider's")) }
        guard Date().timeIntervalSince1970 < Double(claims.exp) else {
            return .failure(.invalidToken("The token expired"))
        }
        guard await provider.grants.isLive(accessTokenID: claims.jti) else {
            return .failure(.invalidToken("The token was revoked"))
        }
        return .success(claims)
    }
}
