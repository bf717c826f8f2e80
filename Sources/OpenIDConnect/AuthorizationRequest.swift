public import AuthModels

/// One sign-in's way to the authorize endpoint (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1), and
/// what its answer is judged against.
public struct AuthorizationRequest: Hashable, Sendable {
    /// Optional parameters of OpenID Connect Core §3.1.2.1.
    public struct Extra: Hashable, Sendable {
        /// Wins over the registration's own.
        public var prompt: String?
        /// Seconds since the person last proved who they are.
        public var maxAge: Int?
        public var loginHint: String?
        /// Space-separated, in order of preference; the ID token must name one of them.
        public var acrValues: String?

        public init(
            prompt: String? = nil, maxAge: Int? = nil, loginHint: String? = nil,
            acrValues: String? = nil
        ) {
            self.prompt = prompt
            self.maxAge = maxAge
            self.loginHint = loginHint
            self.acrValues = acrValues
        }
    }

    /// What becomes of an `iss` in the response (RFC 9207 §2.4).
    public enum IssuerPolicy: Hashable, Sendable {
        /// Compared whenever it is there, advertised or not: a provider that sends it sends its own.
        case compareWhenPresent
        /// Compared only where the metadata advertise it, for providers that send another's.
        case ignoreUnadvertised
    }

    public let registration: ClientRegistration
    /// With the port that is really bound.
    public let redirectURI: RedirectURI
    public let metadata: ProviderMetadata
    public let extra: Extra
    public let issuerPolicy: IssuerPolicy
    /// What the browser opens.
    public let url: WebURL
    /// 32 random bytes, base64url (RFC 6749 §10.12).
    public let state: String
    /// The same, only where the scope holds `openid` (OpenID Connect Core §15.5.2).
    public let nonce: String?
    public let pkce: PKCE
    /// Made for this sign-in, where the registration asks for bound tokens; its thumbprint goes along
    /// as `dpop_jkt`, so that nobody else's key can redeem the code (RFC 9449 §10).
    public let dpopKey: DPoPKey?

    /// Whether the token answer must hold an ID token.
    public var expectsIDToken: Bool { nonce != nil }

    /// - Parameter redirectURI: the registration's, with the port that the listener holds.
    /// - Throws: `randomnessUnavailable`; `configInvalid` when the URL would exceed
    ///   `WebURL.bytesMax`, or when bound tokens are asked for and the metadata rule them out;
    ///   `discoveryInvalid` when the endpoint's own query sets a parameter of ours.
    public init(
        registration: ClientRegistration, redirectURI: RedirectURI, metadata: ProviderMetadata,
        random: some RandomSource, extra: Extra = Extra(),
        issuerPolicy: IssuerPolicy = .compareWhenPresent
    ) throws(AuthError) {
        self.registration = registration
        self.redirectURI = redirectURI
        self.metadata = metadata
        self.extra = extra
        self.issuerPolicy = issuerPolicy
        try Self.judgeDPoP(registration, metadata)
        do {
            dpopKey = registration.usesDPoP ? try DPoPKey(random: random) : nil
            pkce = try PKCE(random: random)
            state = try RandomText.make(from: random)
            nonce =
                registration.scope.contains(Scope.openID)
                ? try RandomText.make(from: random) : nil
        } catch { throw .randomnessUnavailable }

        var parameters = [
            (name: "response_type", value: "code"),
            (name: "scope", value: registration.scope.description),
            (name: "client_id", value: registration.clientID.rawValue),
            (name: "redirect_uri", value: redirectURI.rawValue),
            (name: "code_challenge", value: pkce.challenge),
            (name: "code_challenge_method", value: PKCE.method),
            (name: "state", value: state),
        ]
        if registration.scope.isEmpty { parameters.removeAll { $0.name == "scope" } }
        let optional = [
            (name: "nonce", value: nonce),
            (name: "prompt", value: extra.prompt ?? registration.prompt),
            (name: "max_age", value: extra.maxAge.map(String.init)),
            (name: "login_hint", value: extra.loginHint),
            (name: "acr_values", value: extra.acrValues),
            (name: "dpop_jkt", value: try dpopKey?.thumbprint()),
        ]
        for (name, value) in optional {
            if let value { parameters.append((name: name, value: value)) }
        }
        url = try Self.url(metadata.endpoints.authorization, parameters)
    }

    /// ES256 or nothing: a provider that lists algorithms without it cannot be used; one that lists
    /// none is asked all the same, and its tokens are taken only if they are bound.
    private static func judgeDPoP(
        _ registration: ClientRegistration, _ metadata: ProviderMetadata
    ) throws(AuthError) {
        guard registration.usesDPoP, let listed = metadata.dpopAlgorithms else { return }
        guard listed.contains(where: DPoPProof.algorithm.isExactly) else {
            throw .configInvalid("the provider rules out DPoP with ES256, which is asked for")
        }
    }

    /// Keeps the query that the endpoint already has (RFC 6749 §3.1).
    private static func url(
        _ endpoint: WebURL, _ parameters: [(name: String, value: String)]
    ) throws(AuthError) -> WebURL {
        let existing = endpoint.query ?? ""
        // Nor what would turn the request into another: where the answer goes, or a stored request.
        let names =
            parameters.map(\.name) + [
                "nonce", "prompt", "request", "request_uri", "response_mode", "dpop_jkt",
            ]
        guard
            names.allSatisfy({ FormCoder.values(of: $0, in: existing).isEmpty })
        else { throw .discoveryInvalid("the authorize endpoint's query sets a request parameter") }
        let separator =
            endpoint.query == nil ? "?" : existing.isEmpty || existing.hasSuffix("&") ? "" : "&"
        do {
            return try WebURL(endpoint.rawValue + separator + FormCoder.encode(parameters))
        } catch {
            throw .configInvalid("the sign-in's URL is refused (\(error)); is the scope too long?")
        }
    }
}
