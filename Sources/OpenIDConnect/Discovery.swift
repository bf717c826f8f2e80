public import AuthModels
public import FoundationEssentials
internal import HTTPTypes

/// Finds a provider's metadata (OpenID Connect Discovery §4, RFC 8414 §3).
public enum Discovery {
    /// The two defined addresses in the order to try them; no other is ever asked.
    ///
    /// The first puts `/.well-known/openid-configuration` behind the issuer (OpenID Connect
    /// Discovery §4.1), the second `/.well-known/oauth-authorization-server` between host and path
    /// (RFC 8414 §3.1). Both drop a slash that ends the issuer.
    public static func requests(for issuer: Issuer) -> [HTTPExchange] {
        let url = issuer.url
        let path = url.path.hasSuffix("/") ? String(url.path.dropLast()) : url.path
        let host = String(url.rawValue.dropLast(url.path.count))
        let addresses = [
            host + path + "/.well-known/openid-configuration",
            host + "/.well-known/oauth-authorization-server" + path,
        ]
        return addresses.compactMap { address in
            guard let url = try? WebURL(address) else { return nil }
            return HTTPExchange(.get, url, headers: [.accept: "application/json"])
        }
    }

    /// Whether the next address is worth a try.
    public static func isNotFound(_ answer: HTTPAnswer) -> Bool { answer.response.status == 404 }

    /// Judges one answer. The content type is not looked at: providers differ, the body decides.
    ///
    /// - Parameter now: what a `Retry-After` date is relative to where the answer has no `Date`.
    /// - Throws: `transient` for 404 (on both addresses it is an outage), 408 and 5xx, `busy` for
    ///   429, `configInvalid` when PKCE's S256 is ruled out, else `discoveryInvalid`.
    public static func judge(
        _ answer: HTTPAnswer, for issuer: Issuer, now: Date? = nil
    ) throws(AuthError) -> ProviderMetadata {
        if let error = AnswerStatus.error(of: answer, from: "the provider's metadata", now: now) {
            throw error
        }
        guard answer.response.status == 200 else {
            throw .discoveryInvalid("the metadata answered HTTP \(answer.response.status.code)")
        }
        let document: JSONValue
        do { document = try JSONDocument.parse(answer.body) } catch {
            throw .discoveryInvalid(error.reason)
        }
        guard let stated = document["issuer"]?.string else {
            throw .discoveryInvalid("the metadata names no issuer")
        }
        guard stated.isExactly(issuer.rawValue) else {
            throw .discoveryInvalid(
                "the metadata is of issuer \(SafeText.escaped(stated)), asked for was \(issuer)")
        }
        try judgePKCE(document)
        return ProviderMetadata(
            issuer: issuer, endpoints: try endpoints(document, issuer),
            issuerInResponse:
                document["authorization_response_iss_parameter_supported"]?.bool ?? false,
            scopesSupported: document["scopes_supported"]?.strings ?? [],
            dpopAlgorithms: dpopAlgorithms(document))
    }

    /// A list that cannot be read rules out what it might have listed.
    private static func dpopAlgorithms(_ document: JSONValue) -> [String]? {
        switch document["dpop_signing_alg_values_supported"] {
        case nil, .null: nil
        case let stated?: stated.strings ?? []
        }
    }

    /// S256 or nothing (RFC 7636 §7.2): a provider that lists methods without it cannot be used;
    /// one that lists none is sent S256 all the same.
    private static func judgePKCE(_ document: JSONValue) throws(AuthError) {
        guard let methods = document["code_challenge_methods_supported"], !methods.isNull else {
            return
        }
        guard let methods = methods.strings else {
            throw .discoveryInvalid("code_challenge_methods_supported is not a list of names")
        }
        guard methods.contains("S256") else {
            throw .configInvalid("the provider rules out PKCE with S256, which is required here")
        }
    }

    private static func endpoints(
        _ document: JSONValue, _ issuer: Issuer
    ) throws(AuthError) -> PinnedEndpoints {
        guard let authorization = try url("authorization_endpoint", document, issuer),
            let token = try url("token_endpoint", document, issuer)
        else { throw .discoveryInvalid("authorization_endpoint or token_endpoint is missing") }
        return PinnedEndpoints(
            authorization: authorization, token: token,
            jwks: try url("jwks_uri", document, issuer),
            userInfo: try url("userinfo_endpoint", document, issuer),
            revocation: try url("revocation_endpoint", document, issuer),
            endSession: try url("end_session_endpoint", document, issuer),
            idTokenAlgorithms: algorithms(document))
    }

    private static func url(
        _ name: String, _ document: JSONValue, _ issuer: Issuer
    ) throws(AuthError) -> WebURL? {
        guard let value = document[name], !value.isNull else { return nil }
        guard let text = value.string else { throw .discoveryInvalid("\(name) is not a text") }
        let url: WebURL
        do { url = try WebURL(text) } catch {
            throw .discoveryInvalid("\(name) is refused (\(error)): \(SafeText.escaped(text))")
        }
        // A remote provider has no business on this machine's own ports.
        guard !url.isLoopback || issuer.url.isLoopback else {
            throw .discoveryInvalid("\(name) is on this machine, the issuer is not")
        }
        return url
    }

    /// RS256 where the provider does not say (OpenID Connect Discovery §3 makes it mandatory);
    /// `none` and HMAC are left out whatever it says.
    private static func algorithms(_ document: JSONValue) -> [String] {
        guard let stated = document["id_token_signing_alg_values_supported"]?.strings else {
            return [SignatureAlgorithm.rs256.rawValue]
        }
        return Array(stated.filter { SignatureAlgorithm(rawValue: $0) != nil }.prefix(32))
    }
}
