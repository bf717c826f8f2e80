public import AuthModels

/// Requests to the token endpoint (RFC 6749 §4.1.3, §6).
public enum TokenRequest {
    /// Buys tokens with a code. It is not repeated: a code whose answer is lost is lost with it.
    ///
    /// - Throws: `configInvalid` when a confidential client comes without its secret.
    public static func codeExchange(
        _ callback: AuthorizationCallback, clientSecret: ClientSecret?
    ) throws(AuthError) -> HTTPExchange {
        let registration = callback.request.registration
        guard registration.authentication == .none || clientSecret != nil else {
            throw .configInvalid(
                "client authentication \(registration.authentication.rawValue) needs a secret")
        }
        return ClientCredentials(registration: registration, secret: clientSecret).exchange(
            callback.request.metadata.endpoints.token,
            form: [
                (name: "grant_type", value: "authorization_code"),
                (name: "code", value: callback.code.reveal()),
                (name: "redirect_uri", value: callback.request.redirectURI.rawValue),
                (name: "code_verifier", value: callback.request.pkce.verifier.reveal()),
            ])
    }

    /// Buys the next tokens. No `scope` is sent: what was granted is kept (RFC 6749 §6).
    ///
    /// A confidential client whose secret is missing asks as a public one would, and the provider
    /// refuses it: the refresh token is safe either way.
    public static func refresh(
        _ token: RefreshToken, registration: ClientRegistration, clientSecret: ClientSecret?,
        endpoints: PinnedEndpoints
    ) -> HTTPExchange {
        ClientCredentials(registration: registration, secret: clientSecret).exchange(
            endpoints.token,
            form: [
                (name: "grant_type", value: "refresh_token"),
                (name: "refresh_token", value: token.reveal()),
            ])
    }
}
