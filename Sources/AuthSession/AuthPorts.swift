public import AuthModels
public import OpenIDConnect

/// The outside world as one account's service needs it.
public struct AuthPorts: Sendable {
    public var store: any SessionStore
    public var locks: any RefreshLocking
    public var transport: any HTTPTransport
    public var clock: any AuthClock
    public var random: any RandomSource

    public init(
        store: any SessionStore, locks: any RefreshLocking, transport: any HTTPTransport,
        clock: any AuthClock, random: any RandomSource
    ) {
        self.store = store
        self.locks = locks
        self.transport = transport
        self.clock = clock
        self.random = random
    }
}

/// What one sign-in needs besides: where it may open a page, and where the answer comes in.
public struct SignInRequest: Sendable {
    public var registration: ClientRegistration
    /// Nil for a public client.
    public var clientSecret: ClientSecret?
    public var redirects: any RedirectReceiving
    /// Nil: the person opens the URL that `present` shows.
    public var browser: (any BrowserOpening)?
    /// How long the person may take.
    public var timeout: Duration
    /// Told the URL before the browser is tried (`nil`), and again with what failed when it did not
    /// open. The URL holds no secret that a code could be redeemed with.
    public var present: @Sendable (WebURL, BrowserUnavailable?) -> Void
    /// Redirected URLs that a person pastes, for a browser on another machine. Lines that do not
    /// belong to this sign-in are ignored.
    public var pasted: AsyncStream<String>?
    /// What this sign-in asks for beyond the registration, as a step-up does (RFC 9470 §4).
    public var extra: AuthorizationRequest.Extra
    public var issuerPolicy: AuthorizationRequest.IssuerPolicy

    public init(
        registration: ClientRegistration, clientSecret: ClientSecret? = nil,
        redirects: any RedirectReceiving, browser: (any BrowserOpening)?,
        timeout: Duration = .seconds(300),
        present: @escaping @Sendable (WebURL, BrowserUnavailable?) -> Void = { _, _ in },
        pasted: AsyncStream<String>? = nil,
        extra: AuthorizationRequest.Extra = AuthorizationRequest.Extra(),
        issuerPolicy: AuthorizationRequest.IssuerPolicy = .compareWhenPresent
    ) {
        self.registration = registration
        self.clientSecret = clientSecret
        self.redirects = redirects
        self.browser = browser
        self.timeout = timeout
        self.present = present
        self.pasted = pasted
        self.extra = extra
        self.issuerPolicy = issuerPolicy
    }
}
