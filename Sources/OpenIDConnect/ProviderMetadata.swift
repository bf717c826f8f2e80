public import AuthModels

/// What a provider says of itself, judged (OpenID Connect Discovery §3, RFC 8414 §2).
public struct ProviderMetadata: Hashable, Sendable {
    public var issuer: Issuer
    public var endpoints: PinnedEndpoints
    /// `authorization_response_iss_parameter_supported` (RFC 9207 §3): a response without `iss` is
    /// then a forgery.
    public var issuerInResponse: Bool
    /// Empty where the provider does not say.
    public var scopesSupported: [String]
    /// `dpop_signing_alg_values_supported` (RFC 9449 §5.1); nil where the provider does not say.
    public var dpopAlgorithms: [String]?

    public init(
        issuer: Issuer, endpoints: PinnedEndpoints, issuerInResponse: Bool = false,
        scopesSupported: [String] = [], dpopAlgorithms: [String]? = nil
    ) {
        self.issuer = issuer
        self.endpoints = endpoints
        self.issuerInResponse = issuerInResponse
        self.scopesSupported = scopesSupported
        self.dpopAlgorithms = dpopAlgorithms
    }
}
