public import AuthModels

/// Where an API client gets its access tokens from.
public protocol TokenSource: Sendable {
    /// A token that meets the need, refreshed if it must be.
    ///
    /// - Parameter need: nil for any valid token, refreshed early when its end is near.
    /// - Throws: ``AuthError``; a network fault never ends the session.
    func accessToken(_ need: TokenNeed?) async throws(AuthError) -> IssuedToken
}

extension TokenSource {
    /// A valid token.
    public func accessToken() async throws(AuthError) -> IssuedToken {
        try await accessToken(nil)
    }
}
