import AuthModels
import KSConnect
import Logging
import Synchronization

/// The sign-ins under way, each known by a cookie of the browser that it began in.
///
/// A redirect is taken only from that browser: nobody can finish a sign-in of his own in somebody
/// else's (login CSRF, RFC 9700 §4.7.1).
final class SignIns: Sendable {
    /// One sign-in whose person is at the provider.
    struct SignIn: Sendable {
        let key: SessionKey
        let client: KSConnectClient
        let redirect: WebRedirect
        let end: Task<Result<SessionRecord, AuthError>, Never>
    }

    private let settings: Settings
    private let logger: Logger
    private let open = Mutex<[String: SignIn]>([:])

    init(_ settings: Settings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// Begins a sign-in in place of the one that the browser may have begun before.
    ///
    /// - Returns: the value for the browser's cookie, and where the browser is to go.
    /// - Throws: `busy` where too many are under way, or why the provider cannot be asked.
    func begin(
        replacing earlier: String?
    ) async throws(AuthError) -> (cookie: String, url: WebURL) {
        if let earlier { take(earlier)?.end.cancel() }
        let cookie = try Base64URL.secret(from: settings.platform.random)
        let signIn = try start(as: cookie)
        for await url in signIn.redirect.authorizationURL { return (cookie, url) }
        if Task.isCancelled { signIn.end.cancel() }
        _ = try await signIn.end.value.get()
        throw .cancelled
    }

    private func start(as cookie: String) throws(AuthError) -> SignIn {
        let redirect = WebRedirect(settings.registration.redirectURI)
        let now = settings.platform.clock.now().wall
        let key = try SessionKey(at: now, from: settings.platform.random)
        var platform = settings.platform
        platform.redirects = redirect
        let client = try KSConnectClient(
            account: key.account, storage: settings.storage, platform: platform, logger: logger)
        let signIn = open.withLock { open -> SignIn? in
            guard open.count < settings.signInsMax else { return nil }
            let end = Task { await self.run(client, redirect, as: cookie) }
            let signIn = SignIn(key: key, client: client, redirect: redirect, end: end)
            open[cookie] = signIn
            return signIn
        }
        guard let signIn else {
            throw .busy("too many people are signing in at once", retryAfter: .seconds(60))
        }
        return signIn
    }

    /// The whole sign-in is the core's; it ends by itself when the person takes too long.
    private func run(
        _ client: KSConnectClient, _ redirect: WebRedirect, as cookie: String
    ) async -> Result<SessionRecord, AuthError> {
        let result: Result<SessionRecord, AuthError>
        do throws(AuthError) {
            result = .success(
                try await client.signIn(
                    settings.registration, clientSecret: settings.clientSecret,
                    opensBrowser: false, timeout: settings.signInTimeout,
                    present: { url, _ in redirect.present(url) }))
        } catch {
            result = .failure(error)
        }
        await redirect.close()
        take(cookie)
        return result
    }

    /// The sign-in of this browser, if a redirect belongs to it.
    func accept(_ target: String, from cookie: String) -> SignIn? {
        guard let signIn = open.withLock({ $0[cookie] }),
            signIn.redirect.offer(target) == .accepted
        else { return nil }
        return signIn
    }

    /// Ends what waits for a person.
    func cancelAll() {
        for signIn in open.withLock({ $0.values }) { signIn.end.cancel() }
    }

    @discardableResult
    private func take(_ cookie: String) -> SignIn? {
        open.withLock { $0.removeValue(forKey: cookie) }
    }
}
