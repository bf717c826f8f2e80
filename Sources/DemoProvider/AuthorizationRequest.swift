/// A judged authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1).
struct AuthorizationRequest: Sendable {
    let client: DemoServer.Client
    let redirectURI: String
    let state: String?
    let scopes: [String]
    let nonce: String?
    let challenge: String
    /// The thumbprint of the key that will redeem the code (RFC 9449 §10).
    let thumbprint: String?
    let prompts: [String]
    let maxAgeSeconds: Int?
    let loginHint: String?

    /// Why a request was refused.
    enum Refusal: Error {
        /// The redirect URI cannot be trusted, so the person is told on a page.
        case page(String)
        /// The client is told at its redirect URI (RFC 6749 §4.1.2.1).
        case redirect(OAuthError, uri: String, state: String?)
    }

    /// The longest values taken, as the IdentityServer family limits them.
    private static let redirectURIMax = 400
    private static let scopeMax = 300
    private static let stateMax = 2_000

    init(_ form: FormFields?, clients: ClientRegistry) throws(Refusal) {
        guard let form, !form.hasDuplicates else {
            throw .page("The request's parameters are broken or stand twice.")
        }
        guard let id = form["client_id"], let client = clients.client(id: id) else {
            throw .page("The application that sent you here is not registered.")
        }
        guard let uri = form["redirect_uri"], uri.utf8.count <= Self.redirectURIMax,
            RedirectURI.isRegistered(uri, among: client.redirectURIs)
        else {
            throw .page("The address to return to is not registered for this application.")
        }
        self.client = client
        redirectURI = uri
        state = form["state"]
        nonce = form["nonce"]
        loginHint = form["login_hint"]
        thumbprint = form["dpop_jkt"]
        prompts = form["prompt"]?.split(separator: " ").map(String.init) ?? []
        maxAgeSeconds = form["max_age"].flatMap(Int.init)
        do throws(OAuthError) {
            scopes = try Self.scopes(form, of: client)
            challenge = try Self.challenge(form)
            try Self.checkRest(form, prompts: prompts)
        } catch {
            throw .redirect(error, uri: uri, state: form["state"])
        }
    }

    private static func scopes(_ form: FormFields, of client: DemoServer.Client)
        throws(OAuthError) -> [String]
    {
        guard let text = form["scope"], text.utf8.count <= scopeMax else {
            throw OAuthError(.invalidScope)
        }
        var scopes: [String] = []
        for scope in text.split(separator: " ").map(String.init) where !scopes.contains(scope) {
            guard client.scopes.contains(where: { sameBytes($0, scope) }) else {
                throw OAuthError(.invalidScope)
            }
            scopes.append(scope)
        }
        guard !scopes.isEmpty else { throw OAuthError(.invalidScope) }
        return scopes
    }

    private static func challenge(_ form: FormFields) throws(OAuthError) -> String {
        guard let challenge = form["code_challenge"] else {
            throw OAuthError(.invalidRequest, "code challenge required")
        }
        guard form["code_challenge_method"] == "S256" else {
            throw OAuthError(.invalidRequest, "Transform algorithm not supported")
        }
        guard challenge.utf8.count == 43, challenge.utf8.allSatisfy(FormFields.isUnreserved) else {
            throw OAuthError(.invalidRequest, "Invalid code challenge")
        }
        return challenge
    }

    private static func checkRest(_ form: FormFields, prompts: [String]) throws(OAuthError) {
        guard let type = form["response_type"] else { throw OAuthError(.invalidRequest) }
        guard type == "code" else { throw OAuthError(.unsupportedResponseType) }
        guard form["response_mode"] ?? "query" == "query" else {
            throw OAuthError(.invalidRequest, "Only the query response mode is supported.")
        }
        guard form["request"] == nil, form["request_uri"] == nil else {
            throw OAuthError(.requestNotSupported)
        }
        guard !(prompts.contains("none") && prompts.count > 1) else {
            throw OAuthError(.invalidRequest, "prompt=none stands alone.")
        }
        if let age = form["max_age"], Int(age).map({ $0 < 0 }) ?? true {
            throw OAuthError(.invalidRequest, "max_age is a number of seconds.")
        }
        guard (form["state"]?.utf8.count ?? 0) <= stateMax,
            (form["nonce"]?.utf8.count ?? 0) <= stateMax
        else { throw OAuthError(.invalidRequest, "state or nonce is too long.") }
    }
}
