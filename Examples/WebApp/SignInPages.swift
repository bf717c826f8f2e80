import AuthModels
import AuthSession
import HTTPTypes
import Hummingbird
import KSConnect

/// Signing in and out: `/`, `/sign-in`, `/callback`, `/sign-out`, `/signed-out`.
struct SignInPages: Sendable {
    let settings: Settings
    let visitors: Visitors
    let signIns: SignIns
    let cookies: Cookies

    // MARK: Pages

    func front(_ request: Request) async throws(AuthError) -> Response {
        do throws(AuthError) {
            _ = try await visitors.client(of: request)
            return seeOther("/sites")
        } catch {
            guard case .loginRequired(let reason) = error else { throw error }
            return signInPage(because: reason).response
        }
    }

    /// The page with the sign-in button.
    ///
    /// - Parameter reason: why somebody who was signed in is no more.
    func signInPage(because reason: LoginReason = .never) -> Page {
        let problem: HTML =
            switch reason {
            case .never: ""
            case .ended(let reason):
                """
                <p class="problem" role="alert">You were signed out: \(reason.message).</p>
                """
            }
        return Page(
            title: "Sign in",
            body: """
                <h1>Your sites and their doors</h1>
                <p class="lead">Sign in with your KS account to see them.</p>
                \(problem)
                \(Self.signInButton)
                """,
            formTargets: providerTargets)
    }

    private static let signInButton: HTML = """
        <form method="post" action="/sign-in"><button type="submit">Sign in</button></form>
        """

    /// The provider may send the browser through any https host of its own.
    private var providerTargets: String {
        let issuer = (try? WebURL(settings.registration.issuer.rawValue))?.origin.description
        return ["'self'", "https:", issuer].compactMap { $0 }.joined(separator: " ")
    }

    func signedOut() -> Response {
        Page(
            title: "Signed out",
            body: """
                <h1>You are signed out</h1>
                <p class="lead">This browser has no session here any more. You may still be signed \
                in at your provider.</p>
                \(Self.signInButton)
                """,
            formTargets: providerTargets
        ).response
    }

    // MARK: Signing in

    /// A form and not a link: no other site's page can start a sign-in in somebody's browser.
    func signIn(_ request: Request) async throws(AuthError) -> Response {
        let begun = try await signIns.begin(replacing: cookies.read(.signIn, in: request))
        var headers = HTTPFields()
        cookies.set(
            .signIn, to: begun.cookie, seconds: settings.signInTimeout.components.seconds,
            in: &headers)
        return seeOther(begun.url.rawValue, headers: headers)
    }

    func callback(_ request: Request) async -> Response {
        guard let cookie = cookies.read(.signIn, in: request),
            let signIn = signIns.accept(request.head.path ?? "", from: cookie)
        else { return foreignRedirect }
        var headers = HTTPFields()
        cookies.erase(.signIn, in: &headers)
        switch await signIn.end.value {
        case .failure(let error):
            var page = ErrorPage.page(for: error, retry: "/")
            page.headers.append(contentsOf: headers)
            return page.response
        case .success:
            visitors.replaceSession(of: request, by: signIn.client)
            cookies.set(
                .session, to: signIn.key.cookie,
                seconds: settings.sessionLifetime.components.seconds, in: &headers)
            return seeOther("/sites", headers: headers)
        }
    }

    /// Said of a redirect that was used, is too old, forged, or of another browser's sign-in. The
    /// sign-in that it may have been aimed at goes on.
    private var foreignRedirect: Response {
        Page(
            title: "Sign-in not finished",
            body: """
                <h1>This sign-in cannot be finished here</h1>
                <p class="lead">It took too long, was finished before, or began in another browser.\
                </p>
                <p><a class="button" href="/">Start again</a></p>
                """,
            status: .badRequest
        ).response
    }

    // MARK: Signing out

    func signOut(_ request: Request) async throws(AuthError) -> Response {
        if let key = visitors.key(of: request) { try await visitors.sessions.end(key) }
        var headers = HTTPFields()
        cookies.erase(.session, in: &headers)
        // What the browser kept of pages seen before is gone too, for the next person at it.
        if let name = HTTPField.Name("Clear-Site-Data") { headers[name] = "\"cache\"" }
        return seeOther("/signed-out", headers: headers)
    }
}
