public import AuthModels
internal import Crypto
public import FoundationEssentials
public import HTTPTypes

/// Shows, for one request, that its sender holds the key that the tokens are bound to
/// (RFC 9449 §4.2).
public enum DPoPProof {
    /// The only algorithm (RFC 7518 §3.4); it must be listed where the provider lists any.
    public static let algorithm = "ES256"
    private static let fieldName = "DPoP"
    private static let identifierBytesCount = 16

    /// Puts a new proof into a request that is otherwise ready. Each attempt needs its own.
    ///
    /// - Parameters:
    ///   - accessToken: what the request is authorized by; nil at the token endpoint.
    ///   - nonce: the server's latest, where it gave any (RFC 9449 §8).
    ///   - now: becomes `iat`, in whole seconds.
    /// - Throws: `randomnessUnavailable`, with the request left as it was.
    public static func add(
        to request: inout HTTPRequest, key: DPoPKey, accessToken: AccessToken?, nonce: DPoPNonce?,
        now: Date, random: some RandomSource
    ) throws(AuthError) {
        let proof = try text(
            for: request, key: key, accessToken: accessToken, nonce: nonce, now: now,
            random: random)
        remove(from: &request.headerFields)
        if let name = HTTPField.Name(fieldName) { request.headerFields[name] = proof }
    }

    /// Takes a proof out that somebody else put in.
    public static func remove(from fields: inout HTTPFields) {
        if let name = HTTPField.Name(fieldName) { fields[values: name] = [] }
    }

    /// A JWS in compact form (RFC 7515 §7.1).
    static func text(
        for request: HTTPRequest, key: DPoPKey, accessToken: AccessToken?, nonce: DPoPNonce?,
        now: Date, random: some RandomSource
    ) throws(AuthError) -> String {
        // Nothing here needs escaping: all is base64url, a method, a checked URL or a checked nonce.
        var claims = [
            #""jti":"\#(try identifier(random))""#,
            #""htm":"\#(request.method.rawValue)""#,
            #""htu":"\#(target(of: request))""#,
            #""iat":\#(Int64(exactly: now.timeIntervalSince1970.rounded(.down)) ?? 0)"#,
        ]
        if let nonce { claims.append(#""nonce":"\#(nonce.rawValue)""#) }
        if let accessToken {
            let digest = accessToken.bytes.withBytes { SHA256.hash(data: $0) }
            claims.append(#""ath":"\#(Base64URL.encode(digest))""#)
        }
        let header =
            #"{"typ":"dpop+jwt","alg":"\#(algorithm)","jwk":\#(try key.publicJWK())}"#
        let payload = "{" + claims.joined(separator: ",") + "}"
        let signed = Base64URL.encode(header.utf8) + "." + Base64URL.encode(payload.utf8)
        return signed + "." + Base64URL.encode(try key.signature(over: signed))
    }

    private static func identifier(_ random: some RandomSource) throws(AuthError) -> String {
        guard let bytes = try? random.bytes(identifierBytesCount),
            bytes.count == identifierBytesCount
        else { throw .randomnessUnavailable }
        return Base64URL.encode(bytes)
    }

    /// Where the request goes, without query (`htu`); as it stands in the request itself, since that
    /// is what the server compares with.
    private static func target(of request: HTTPRequest) -> String {
        let path = (request.path ?? "/").prefix { $0 != "?" }
        return "\(request.scheme ?? "https")://\(request.authority ?? "")\(path)"
    }
}

/// What a server wants to see in the next proof (RFC 9449 §8).
public struct DPoPNonce: Hashable, Sendable {
    public let rawValue: String

    /// Those in use have 20 to some 300 bytes.
    public static let bytesMax = 1024

    /// - Returns: nil when empty, too long or not of the characters that a nonce may have
    ///   (RFC 9449 §8.1: visible ASCII without quote and backslash).
    public init?(_ rawValue: String) {
        guard (1...Self.bytesMax).contains(rawValue.utf8.count),
            rawValue.utf8.allSatisfy({ byte in
                (0x21...0x7E).contains(byte) && byte != 0x22 && byte != 0x5C
            })
        else { return nil }
        self.rawValue = rawValue
    }

    /// The one that an answer brings, whatever its status; nil for none, several or one that is not
    /// valid.
    public init?(in response: HTTPResponse) {
        guard let name = HTTPField.Name("DPoP-Nonce") else { return nil }
        let values = response.headerFields[values: name]
        guard values.count == 1 else { return nil }
        self.init(values[0])
    }

    /// Whether a token endpoint refuses a request for want of a nonce (RFC 9449 §8): nothing of it
    /// was carried out then.
    public static func isWanted(byTokenEndpoint answer: HTTPAnswer) -> Bool {
        (400...499).contains(answer.response.status.code)
            && OAuthErrorBody.code(in: answer)?.isExactly(errorCode) == true
    }

    /// The error of both kinds of server.
    public static let errorCode = "use_dpop_nonce"
}
