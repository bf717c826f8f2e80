/// Opens the person's browser.
public protocol BrowserOpening: Sendable {
    /// - Throws: ``BrowserUnavailable``; the caller then shows the URL instead.
    func open(_ url: WebURL) async throws(BrowserUnavailable)
}

/// No browser could be started; says what was tried.
public struct BrowserUnavailable: Error, Hashable, Sendable {
    public let reason: String
    public init(reason: String) { self.reason = reason }
}

/// Receives the redirect on a loopback port (RFC 8252 §7.3).
public protocol RedirectReceiving: Sendable {
    /// Binds every address that the URI's host means, before any URL is built.
    func listen(
        on redirectURI: RedirectURI
    ) async throws(RedirectError) -> any RedirectListener
}

/// A bound listener for one sign-in.
public protocol RedirectListener: Sendable {
    /// The redirect URI with the port that was bound.
    var redirectURI: RedirectURI { get }

    /// The first request whose target the judge accepts. All others are answered and ignored.
    ///
    /// - Parameter judge: gets the request target's path and query (`/callback?code=…&state=…`) and
    ///   says whether it belongs to this sign-in; the state decides.
    /// - Returns: the accepted target. Its browser waits for ``finish(_:)``.
    func receive(
        judge: @escaping @Sendable (String) -> RedirectJudgement
    ) async throws(RedirectError) -> ReceivedRedirect

    /// Answers the waiting browser, once the outcome is durable.
    func finish(_ outcome: SignInOutcome) async

    /// Frees the port and every socket; safe to call twice.
    func close() async
}

/// Whose a request at the redirect URI is.
public enum RedirectJudgement: Hashable, Sendable {
    /// The state is this sign-in's own: consumed, success or failure alike.
    case accepted
    /// A stray or forged request: answered 400, the listener stays.
    case rejected
}

/// The request that answers the sign-in.
public struct ReceivedRedirect: Sendable {
    /// Path and query as the browser sent them.
    public var target: String
    /// How many requests on the redirect path were rejected before.
    public var rejections: Int

    public init(target: String, rejections: Int) {
        self.target = target
        self.rejections = rejections
    }
}

/// What the result page says; it echoes nothing from the request.
public enum SignInOutcome: Hashable, Sendable {
    case signedIn
    case denied
    case failed
}

/// Why no redirect can be received.
public enum RedirectError: Error, Hashable, Sendable {
    /// The fixed port is taken in a family that the host name means.
    case portUnavailable(Int)
    /// No loopback address exists that the redirect URI could mean.
    case noLoopback(String)
    case cancelled
    case closed
}
