public import AuthModels

/// Ends the browser's session at the provider (OpenID Connect RP-Initiated Logout §2).
public enum EndSession {
    /// The URL for the browser to open.
    ///
    /// A hint that would make the URL too long is left out: the provider then asks the person, and
    /// does not redirect.
    ///
    /// - Returns: nil where the provider has no such endpoint.
    public static func url(
        endpoints: PinnedEndpoints, idTokenHint: IDToken?, clientID: ClientID,
        postLogoutRedirectURI: RedirectURI? = nil, state: String? = nil
    ) -> WebURL? {
        guard let endpoint = endpoints.endSession else { return nil }
        var parameters: [(name: String, value: String)] = []
        if let idTokenHint {
            parameters.append((name: "id_token_hint", value: idTokenHint.reveal()))
        }
        parameters.append((name: "client_id", value: clientID.rawValue))
        if let postLogoutRedirectURI {
            parameters.append(
                (name: "post_logout_redirect_uri", value: postLogoutRedirectURI.rawValue))
            if let state { parameters.append((name: "state", value: state)) }
        }
        let start = endpoint.rawValue + (endpoint.query == nil ? "?" : "&")
        if let url = try? WebURL(start + FormCoder.encode(parameters)) { return url }
        parameters.removeAll { $0.name == "id_token_hint" }
        return try? WebURL(start + FormCoder.encode(parameters))
    }
}
