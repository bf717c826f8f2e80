public import AuthModels
public import FoundationEssentials
internal import HTTPTypes

/// Tells the provider to forget a refresh token (RFC 7009).
public enum Revocation {
    /// What became of it.
    public enum Outcome: Hashable, Sendable {
        /// Revoked, or unknown to the provider already.
        case done
        /// An outage or too much at once: ask again.
        case later(retryAfter: Duration?)
        /// It will never work: the provider's error code, empty where there is none.
        case impossible(code: String)
    }

    /// - Returns: nil where the provider has no such endpoint.
    public static func request(
        _ token: RefreshToken, registration: ClientRegistration, clientSecret: ClientSecret?,
        endpoints: PinnedEndpoints
    ) -> HTTPExchange? {
        endpoints.revocation.map { url in
            ClientCredentials(registration: registration, secret: clientSecret).exchange(
                url,
                form: [
                    (name: "token", value: token.reveal()),
                    (name: "token_type_hint", value: "refresh_token"),
                ])
        }
    }

    /// Judges the answer (RFC 7009 §2.2); a success needs no body.
    ///
    /// - Parameter now: what a `Retry-After` date is relative to where the answer has no `Date`.
    public static func judge(_ answer: HTTPAnswer, now: Date? = nil) -> Outcome {
        let status = answer.response.status.code
        switch status {
        case 200...299: return .done
        case 400...499 where status != 408 && status != 429:
            guard let code = OAuthErrorBody.code(in: answer) else {
                return status == 404 ? .later(retryAfter: nil) : .impossible(code: "")
            }
            // Some say so of a token that is dead already, which is all that was wanted.
            return ["invalid_token", "invalid_grant"].contains(where: code.isExactly)
                ? .done : .impossible(code: SafeText.code(code))
        default:
            return .later(retryAfter: RetryAfter.duration(in: answer.response, now: now))
        }
    }
}
