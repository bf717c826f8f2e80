public import AuthModels
public import FoundationEssentials
internal import HTTPTypes

/// A token endpoint's answer (RFC 6749 §5.1).
public struct TokenResponse: Hashable, Sendable {
    public let accessToken: AccessToken
    /// As received; the type that was asked for, in any case.
    public let tokenType: String
    /// `expires_in`; nil when absent or not usable: the token is used until a 401.
    public let lifetime: Duration?
    /// Nil where the answer has none: on refresh the old one stays.
    public let refreshToken: RefreshToken?
    public let idToken: IDToken?
    /// Nil where the answer names none: what was asked for was granted (RFC 6749 §5.1).
    public let scope: Scope?

    public init(
        accessToken: AccessToken, tokenType: String = "Bearer", lifetime: Duration? = nil,
        refreshToken: RefreshToken? = nil, idToken: IDToken? = nil, scope: Scope? = nil
    ) {
        self.accessToken = accessToken
        self.tokenType = tokenType
        self.lifetime = lifetime
        self.refreshToken = refreshToken
        self.idToken = idToken
        self.scope = scope
    }

    /// What was granted of what was asked for. A value nobody asked for is not silently used.
    public func grantedScope(requested: Scope) -> Scope {
        guard let scope else { return requested }
        return Scope(scope.values.filter(requested.contains).joined(separator: " ")) ?? Scope()
    }

    /// Judges the answer to a code exchange.
    ///
    /// - Parameters:
    ///   - expectingIDToken: the scope held `openid`; an answer without an ID token is then refused
    ///     (OpenID Connect Core §3.1.3.3).
    ///   - type: the only `token_type` that is taken: neither is a bearer token a bound one, nor the
    ///     other way round (RFC 9449 §5).
    ///   - now: what a `Retry-After` date is relative to where the answer has no `Date`.
    /// - Throws: `busy` (429), `transient` (404, 408, 5xx), `authorizationDenied` for a code that is
    ///   not taken (`invalid_grant`), `tokenEndpointRejected` for any other 4xx (the code is empty
    ///   where the body names none), else `tokenResponseInvalid`.
    public static func judgeCodeExchange(
        _ answer: HTTPAnswer, expectingIDToken: Bool = false, type: AccessTokenType = .bearer,
        now: Date? = nil
    ) throws(AuthError) -> TokenResponse {
        let status = answer.response.status.code
        if (400...499).contains(status), status != 408, status != 429 {
            let code = OAuthErrorBody.code(in: answer)
            switch code {
            case nil where status == 404: break
            case "invalid_grant", "access_denied":
                throw .authorizationDenied(code: SafeText.code(code ?? ""))
            default: throw .tokenEndpointRejected(code: SafeText.code(code ?? ""))
            }
        }
        if let error = AnswerStatus.error(of: answer, from: "the token endpoint", now: now) {
            throw error
        }
        guard status == 200 else {
            throw .tokenResponseInvalid("the token endpoint answered HTTP \(status)")
        }
        let response: TokenResponse
        do { response = try TokenResponse(body: answer.body, type, isRefresh: false) } catch {
            throw .tokenResponseInvalid(error.reason)
        }
        guard !expectingIDToken || response.idToken != nil else {
            throw .tokenResponseInvalid("the answer has no ID token though openid was asked for")
        }
        return response
    }
}

/// Why a 200 of the token endpoint is no token answer.
struct TokenBodyFault: Error {
    let reason: String
}

extension TokenResponse {
    /// - Parameter isRefresh: what is merely beside the tokens must then not cost them: an ID token
    ///   that no header could carry counts as absent.
    init(
        body: [UInt8], _ expected: AccessTokenType, isRefresh: Bool
    ) throws(TokenBodyFault) {
        let document: JSONValue
        do { document = try JSONDocument.parse(body) } catch {
            throw TokenBodyFault(reason: error.reason)
        }
        guard let type = document["token_type"]?.string,
            type.lowercased().isExactly(expected.rawValue.lowercased())
        else { throw TokenBodyFault(reason: "the token type is not \(expected.rawValue)") }
        guard let access = document["access_token"]?.string.flatMap({ AccessToken($0) }) else {
            throw TokenBodyFault(reason: "there is no access token that a header could carry")
        }
        let refresh: RefreshToken?
        do { refresh = try Self.token("refresh_token", in: document) { RefreshToken($0) } } catch {
            guard isRefresh else { throw error }
            refresh = nil
        }
        let id: IDToken?
        do { id = try Self.token("id_token", in: document) { IDToken($0) } } catch {
            guard isRefresh else { throw error }
            id = nil
        }
        self.init(
            accessToken: access, tokenType: type, lifetime: Self.lifetime(document["expires_in"]),
            refreshToken: refresh, idToken: id, scope: Self.scope(document["scope"]))
    }

    /// The refresh token alone, of an answer whose other members are not usable.
    static func refreshToken(in body: [UInt8]) -> RefreshToken? {
        (try? JSONDocument.parse(body))?["refresh_token"]?.string.flatMap { RefreshToken($0) }
    }

    /// Absent, null and empty are the same; anything else must be a token.
    private static func token<Token>(
        _ name: String, in document: JSONValue, _ make: (String) -> Token?
    ) throws(TokenBodyFault) -> Token? {
        switch document[name] {
        case nil, .null: return nil
        case .string(let text) where text.isEmpty: return nil
        case .string(let text):
            guard let token = make(text) else {
                throw TokenBodyFault(reason: "\(name) holds what no token may hold")
            }
            return token
        default: throw TokenBodyFault(reason: "\(name) is not a text")
        }
    }

    /// Reads seconds. A decimal text counts as a number; a fraction is cut off; what is too long is
    /// cut to `TokenExpiry.lifetimeMax`; zero, negative and everything else counts as absent.
    static func lifetime(_ value: JSONValue?) -> Duration? {
        let seconds: Double
        switch value {
        case .number(let number):
            guard let double = number.double else { return nil }
            seconds = double
        case .string(let text):
            guard (1...18).contains(text.utf8.count),
                text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let double = Double(text)
            else { return nil }
            seconds = double
        default: return nil
        }
        guard seconds >= 1 else { return nil }
        let longest = Double(TokenExpiry.lifetimeMax.components.seconds)
        return .seconds(Int64(min(seconds, longest)))
    }

    /// A space-separated text (RFC 6749 §3.3), or the array that some providers send; what is
    /// neither counts as absent.
    private static func scope(_ value: JSONValue?) -> Scope? {
        switch value {
        case .string(let text): Scope(text)
        case .array: value?.strings.flatMap { Scope($0.joined(separator: " ")) }
        default: nil
        }
    }
}
