import JWTKit

/// The claims of an access token (RFC 9068 §2.2). Times are whole seconds.
struct AccessTokenClaims: JWTPayload {
    let iss: String
    let aud: String?
    let sub: String
    let clientID: String
    let scope: [String]
    let jti: String
    let sid: String
    let iat: Int
    let nbf: Int
    let exp: Int
    let authTime: Int
    let amr: [String]
    /// The key that it is bound to (RFC 9449 §6.1).
    let cnf: Confirmation?

    struct Confirmation: Codable, Sendable {
        let jkt: String
    }

    enum CodingKeys: String, CodingKey {
        case iss, aud, sub, scope, jti, sid, iat, nbf, exp, amr, cnf
        case clientID = "client_id"
        case authTime = "auth_time"
    }

    /// Times are judged where the token is used, so that each use can tell why it refuses.
    func verify(using algorithm: some JWTAlgorithm) async throws {}
}

/// The claims of an ID token (OpenID Connect Core §2). Times are whole seconds.
struct IdentityTokenClaims: JWTPayload {
    let iss: String
    let aud: String
    let sub: String
    let sid: String
    let iat: Int
    let exp: Int
    let authTime: Int
    let amr: [String]
    let nonce: String?
    let atHash: String

    enum CodingKeys: String, CodingKey {
        case iss, aud, sub, sid, iat, exp, amr, nonce
        case authTime = "auth_time"
        case atHash = "at_hash"
    }

    /// An expired ID token is still a good hint for the end of a session.
    func verify(using algorithm: some JWTAlgorithm) async throws {}
}
