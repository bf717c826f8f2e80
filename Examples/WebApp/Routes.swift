import AuthModels
import Hummingbird

/// Which path does what, and the bounds of each request.
struct Routes: Sendable {
    let settings: Settings
    let signInPages: SignInPages
    let sitePages: SitePages

    private typealias Handler = @Sendable (Request) async throws -> Response

    /// Larger than any form here, which have no fields.
    private static let bodyBytesMax = 4_096

    func router() -> Router<BasicRequestContext> {
        let router = Router(options: .autoGenerateHeadEndpoints)
        router.add(middleware: AccessLog())
        router.add(middleware: ResponseHeaders(isSecure: settings.origin.isSecure))
        router.add(middleware: ErrorPages(signInPages: signInPages))
        router.add(middleware: OwnNameOnly(origin: settings.origin))
        let (signIn, sites) = (signInPages, sitePages)
        get("/", router) { try await signIn.front($0) }
        get("/callback", router) { await signIn.callback($0) }
        get("/signed-out", router) { _ in signIn.signedOut() }
        get("/sites", router) { try await sites.sites($0) }
        router.get("/sites/{id}") { request, context in
            let id = context.parameters.get("id")
            return try await withinDeadline { try await sites.site(request, id) }
        }
        post("/sign-in", router) { try await signIn.signIn($0) }
        post("/sign-out", router) { try await signIn.signOut($0) }
        return router
    }

    private func get(
        _ path: RouterPath, _ router: Router<BasicRequestContext>, _ handler: @escaping Handler
    ) {
        router.get(path) { request, _ in try await withinDeadline { try await handler(request) } }
    }

    /// Forms are taken from the application's own pages only.
    private func post(
        _ path: RouterPath, _ router: Router<BasicRequestContext>, _ handler: @escaping Handler
    ) {
        router.post(path) { [origin = settings.origin] request, _ in
            guard origin.isSource(of: request) else { throw HTTPError(.forbidden) }
            _ = try await request.body.collect(upTo: Self.bodyBytesMax)
            return try await withinDeadline { try await handler(request) }
        }
    }

    /// Gives a page up in time. What the core has begun (a refresh, the exchange of a code) goes on.
    private func withinDeadline(
        _ body: @escaping @Sendable () async throws -> Response
    ) async throws -> Response {
        try await withThrowingTaskGroup(of: Response.self) { group in
            group.addTask { try await body() }
            group.addTask { [deadline = settings.requestDeadline] in
                try await Task.sleep(for: deadline)
                throw AuthError.transient("the page took too long", retryAfter: nil)
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }
}
