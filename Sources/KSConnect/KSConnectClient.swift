public import AuthModels
public import AuthSession
public import AuthenticatedHTTP
public import Logging
public import OpenIDConnect
public import Telemetry

/// One person's account, from sign-in to sign-out: what a front end links.
///
/// Opens nothing until it is used. Safe to share; several clients of one account, in one process or
/// many, work on one session.
public final class KSConnectClient: Sendable {
    public let account: AccountName
    /// For what this façade does not cover.
    public let service: AuthService
    public let store: any SessionStore
    private let platform: Platform
    private let observability: Observability
    /// One budget for all calls of this client.
    private let retries = RetryBudget()
    private let nonces = DPoPNonces()

    /// - Parameters:
    ///   - account: which account; nothing is read yet.
    ///   - storage: where sessions are kept, shared by all clients of a process.
    ///   - policy: the numbers behind the refresh rules.
    ///   - observability: counters, timers and spans; what the process has bootstrapped by now.
    /// - Throws: `randomnessUnavailable`.
    public init(
        account: AccountName = .default, storage: SessionStorage, platform: Platform,
        policy: RefreshPolicy = RefreshPolicy(), logger: Logger = Logger(label: "ksconnect"),
        observability: Observability = .bootstrapped
    ) throws(AuthError) {
        self.account = account
        self.store = storage.store
        self.platform = platform
        self.observability = observability
        service = try AuthService(
            account: account,
            ports: AuthPorts(
                store: storage.store, locks: storage.locks, transport: platform.transport,
                clock: platform.clock, random: platform.random),
            policy: policy, logger: logger, observability: observability)
    }

    /// The state now and each that follows; a UI binds to it.
    public var states: AuthStates { service.states }

    /// The state that the store holds; works without the key.
    @discardableResult
    public func restore() async throws(AuthError) -> AuthState {
        try await service.restore()
    }

    // MARK: Sign-in

    /// Signs in through the system browser; returns once the tokens are durable.
    ///
    /// - Parameters:
    ///   - clientSecret: nil for a public client.
    ///   - opensBrowser: false where the person opens the URL that `present` shows.
    ///   - timeout: how long the person may take.
    ///   - present: told the URL, and again when no browser could be opened.
    ///   - pasted: redirected URLs that the person pastes, for a browser on another machine.
    ///   - extra: what a call asked for that ended in `stepUpRequired` (RFC 9470 §4), a hint of who
    ///     signs in.
    @discardableResult
    public func signIn(
        _ registration: ClientRegistration, clientSecret: ClientSecret? = nil,
        opensBrowser: Bool = true, timeout: Duration = .seconds(300),
        present: @escaping @Sendable (WebURL, BrowserUnavailable?) -> Void = { _, _ in },
        pasted: AsyncStream<String>? = nil,
        extra: AuthorizationRequest.Extra = AuthorizationRequest.Extra()
    ) async throws(AuthError) -> SessionRecord {
        try await service.signIn(
            SignInRequest(
                registration: registration, clientSecret: clientSecret,
                redirects: platform.redirects, browser: opensBrowser ? platform.browser : nil,
                timeout: timeout, present: present, pasted: pasted, extra: extra))
    }

    // MARK: Calls

    /// A valid access token, refreshed if it must be.
    public func accessToken(_ need: TokenNeed? = nil) async throws(AuthError) -> IssuedToken {
        try await service.accessToken(need)
    }

    /// The account's record, which says where its API is.
    ///
    /// - Throws: `loginRequired(.never)` when nobody signed in.
    public func record() async throws(AuthError) -> SessionRecord {
        let record: SessionRecord?
        do { record = try await store.record(of: account) } catch { throw .store(error) }
        guard let record, record.phase != .signedOut else { throw .loginRequired(.never) }
        return record
    }

    /// The HTTP client of the account's API: live token, one refresh and one retry on 401.
    public func http() async throws(AuthError) -> APIClient {
        APIClient(
            tokens: service, transport: platform.transport,
            apiBase: try await record().registration.apiBase, clock: platform.clock,
            random: platform.random, budget: retries, nonces: nonces,
            observability: observability)
    }

    /// The KS Connect API of the account, typed.
    public func api() async throws(AuthError) -> KSConnectAPI {
        KSConnectAPI(http: try await http())
    }

    /// Claims about the person who signed in, from the provider's userinfo endpoint (OpenID Connect
    /// Core §5.3).
    public func userInfo() async throws(AuthError) -> UserInfo {
        try await http().userInfo()
    }

    // MARK: Sign-out

    /// Signs out: forgotten here at once, then revoked at the provider, now or later.
    ///
    /// - Parameter everywhere: also opens the provider's own sign-out page (OpenID Connect
    ///   RP-Initiated Logout), where it has one and the key is at hand.
    public func signOut(everywhere: Bool = false) async throws(AuthError) -> SignOutReport {
        let page = everywhere ? await endSessionPage() : nil
        let waiting = try await service.signOut()
        guard let page else {
            return SignOutReport(revocationsWaiting: waiting, providerPage: nil)
        }
        do {
            try await platform.browser.open(page)
            return SignOutReport(revocationsWaiting: waiting, providerPage: nil)
        } catch {
            return SignOutReport(revocationsWaiting: waiting, providerPage: page)
        }
    }

    /// A key out of reach costs the hint, not the page: the provider then asks the person.
    private func endSessionPage() async -> WebURL? {
        guard let record = try? await store.record(of: account) else { return nil }
        let session = try? await store.open(account)
        return EndSession.url(
            endpoints: record.endpoints, idTokenHint: session?.tokens.id,
            clientID: record.registration.clientID)
    }
}

/// What a sign-out left to do.
public struct SignOutReport: Hashable, Sendable {
    /// Refresh tokens of this store that the provider is still to be told of.
    public let revocationsWaiting: Int
    /// The provider's sign-out page, where no browser could be opened on it.
    public let providerPage: WebURL?
}
