public import AuthModels
public import FoundationEssentials
internal import HTTPTypes

/// What the answer to a refresh means for the session.
///
/// Only ``invalidGrant`` ends it. An answer that is not the provider's own (a captive portal, a
/// proxy, an outage) says nothing about the token.
public enum RefreshVerdict: Hashable, Sendable {
    case tokens(TokenResponse)
    /// A 200 whose access token cannot be used (of another type, none at all, or one that no header
    /// could carry) beside a new refresh token: the provider has rotated, so this one must be kept; says
    /// what is wrong.
    case refreshTokenOnly(RefreshToken, String)
    /// A 4xx whose JSON body says `invalid_grant` (RFC 6749 §5.2).
    case invalidGrant
    /// Any other 4xx: the provider did nothing, the refresh token stays and the mark is cleared.
    ///
    /// The code is empty where the body names none. One provider answers a dead refresh token with
    /// an empty 400; so does many a proxy in trouble, so it does not sign anyone out. The caller
    /// advises to sign in again if it persists.
    case rejected(code: String)
    case tooManyRequests(retryAfter: Duration?)
    case serverError(status: Int, retryAfter: Duration?)
    /// A 200 that holds no tokens, a redirect, 404 or 408: whether the token was used is not known.
    case notAnAnswer(String)

    /// - Parameters:
    ///   - type: the only `token_type` whose access token is used.
    ///   - now: what a `Retry-After` date is relative to where the answer has no `Date`.
    public static func judge(
        _ answer: HTTPAnswer, type: AccessTokenType = .bearer, now: Date? = nil
    ) -> RefreshVerdict {
        let status = answer.response.status.code
        let retryAfter = RetryAfter.duration(in: answer.response, now: now)
        switch status {
        case 200:
            do {
                return .tokens(try TokenResponse(body: answer.body, type, isRefresh: true))
            } catch {
                return TokenResponse.refreshToken(in: answer.body)
                    .map { .refreshTokenOnly($0, error.reason) } ?? .notAnAnswer(error.reason)
            }
        case 429: return .tooManyRequests(retryAfter: retryAfter)
        case 500...599: return .serverError(status: status, retryAfter: retryAfter)
        case 400...499 where status != 408:
            guard let code = OAuthErrorBody.code(in: answer) else {
                // A whole host answering 404 is an outage.
                return status == 404 ? .notAnAnswer("HTTP 404") : .rejected(code: "")
            }
            return code.isExactly("invalid_grant")
                ? .invalidGrant : .rejected(code: SafeText.code(code))
        default: return .notAnAnswer("HTTP \(status)")
        }
    }
}
