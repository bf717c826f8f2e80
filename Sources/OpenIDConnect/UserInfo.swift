public import AuthModels
public import FoundationEssentials
internal import HTTPTypes

/// Claims about the person who signed in (OpenID Connect Core §5.3).
public struct UserInfo: Sendable, Equatable {
    public let subject: Subject
    /// All members of the answer.
    public let claims: JSONValue

    /// - Returns: nil where the provider has no such endpoint.
    public static func request(
        endpoints: PinnedEndpoints, accessToken: AccessToken
    ) -> HTTPExchange? {
        endpoints.userInfo.map { url in
            HTTPExchange(
                .get, url,
                headers: [
                    .accept: "application/json",
                    .authorization: "Bearer " + accessToken.reveal(),
                ])
        }
    }

    /// Judges the answer. JSON that is labelled as something else is tolerated; a signed one
    /// (`application/jwt`) is refused, as it was not asked for.
    ///
    /// - Parameters:
    ///   - subject: who signed in; another `sub` is refused (OpenID Connect Core §5.3.2).
    ///   - now: what a `Retry-After` date is relative to where the answer has no `Date`.
    /// - Throws: `unauthorizedAfterRefresh` (401), `insufficientScope` (403), `busy` (429),
    ///   `transient` (404, 408, 5xx), else `userInfoInvalid`.
    public static func judge(
        _ answer: HTTPAnswer, subject: Subject?, now: Date? = nil
    ) throws(AuthError) -> UserInfo {
        if let error = AnswerStatus.error(of: answer, from: "userinfo", now: now) { throw error }
        switch answer.response.status.code {
        case 200: break
        case 401: throw .unauthorizedAfterRefresh
        case 403: throw .insufficientScope(nil)
        case let status: throw .userInfoInvalid("userinfo answered HTTP \(status)")
        }
        let type = answer.response.headerFields[.contentType] ?? ""
        guard !type.lowercased().hasPrefix("application/jwt") else {
            throw .userInfoInvalid("the answer is a signed token; set plain JSON at the provider")
        }
        let document: JSONValue
        do { document = try JSONDocument.parse(answer.body) } catch {
            throw .userInfoInvalid(error.reason)
        }
        guard let stated = document["sub"]?.string.flatMap({ Subject($0) }) else {
            throw .userInfoInvalid("sub is missing, or not 1 to 255 ASCII characters")
        }
        if let subject, stated != subject {
            throw .userInfoInvalid("sub is not the person who signed in")
        }
        return UserInfo(subject: stated, claims: document)
    }
}
