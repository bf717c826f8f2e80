import FoundationEssentials

/// Judges the access token of a request (RFC 6750 §2.1, §3, RFC 9449 §7).
struct BearerCheck: Sendable {
    let provider: Provider

    enum Refusal: Error {
        case missing
        case invalidToken(String)
        case insufficientScope(String)
        /// The token is bound to a key, and the proof is not good (RFC 9449 §7.1).
        case invalidProof(String)
        case wantsNonce

        /// The refusal with its challenge; the body is the caller's own shape of error.
        func answer(body: JSON) -> WebAnswer {
            let (status, challenge) =
                switch self {
                case .missing: (401, "Bearer")
                case .invalidToken(let why):
                    (401, #"Bearer error="invalid_token", error_description="\#(why)""#)
                case .insufficientScope(let scope):
                    (403, #"Bearer error="insufficient_scope", scope="\#(scope)""#)
                case .invalidProof(let why):
                    (401, Self.proof("invalid_dpop_proof", why))
                case .wantsNonce:
                    (401, Self.proof("use_dpop_nonce", "The proof needs a nonce"))
                }
            let answer =
                body == .null ? WebAnswer(status: status) : WebAnswer.json(body, status: status)
            return answer.adding("WWW-Authenticate", challenge)
        }

        private static func proof(_ error: String, _ why: String) -> String {
            #"DPoP error="\#(error)", error_description="\#(why)", algs="ES256""#
        }
    }

    /// Where the request was sent, without its query.
    private func url(of request: WebRequest, at place: Place) -> String {
        switch place {
        case .userInfo: provider.addresses.issuer + request.path
        case .api: provider.addresses.apiURL(ofPath: request.path)
        }
    }

    enum Place: Sendable {
        case userInfo
        case api
    }

    /// The claims of a token that is signed by this provider, not expired and not revoked.
    func check(
        _ request: WebRequest, at place: Place
    ) async -> Result<AccessTokenClaims, Refusal> {
        guard let header = request.header("authorization") else { return .failure(.missing) }
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, ["bearer", "dpop"].contains(parts[0].lowercased()) else {
            return .failure(.missing)
        }
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
        guard (parts[0].lowercased() == "dpop") == (claims.cnf != nil) else {
            return .failure(.invalidToken("The token does not belong to this scheme"))
        }
        guard let key = claims.cnf?.jkt else { return .success(claims) }
        do throws(DPoPRefusal) {
            let thumbprint = try await provider.dpop.judge(
                request, at: url(of: request, at: place), for: .api,
                accessToken: String(parts[1]), settings: provider.knobs.settings, now: Date())
            guard sameBytes(thumbprint, key) else {
                return .failure(.invalidProof("The token is bound to another key"))
            }
            return .success(claims)
        } catch {
            switch error {
            case .invalid(let why): return .failure(.invalidProof(why))
            case .wantsNonce: return .failure(.wantsNonce)
            }
        }
    }
}
