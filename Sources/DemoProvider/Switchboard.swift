/// Brings each request to its route: control first, then outage, counters, route and log.
struct Switchboard: Sendable {
    private let provider: Provider
    private let control: RouteTable
    private let routes: RouteTable

    /// What one listener serves.
    enum Role {
        case identity
        case api
        /// Both on one port, the API below `/api`.
        case both
    }

    init(_ provider: Provider, role: Role) {
        self.provider = provider
        let api = KSAPI(provider: provider)
        switch role {
        case .identity:
            control = RouteTable(routes: ControlEndpoint(provider: provider).routes)
            routes = RouteTable(routes: Self.identityRoutes(provider))
        case .both:
            control = RouteTable(routes: ControlEndpoint(provider: provider).routes)
            routes = RouteTable(routes: Self.identityRoutes(provider) + api.routes(base: "/api"))
        case .api:
            control = RouteTable(routes: [])
            routes = RouteTable(routes: api.routes(base: ""))
        }
    }

    func answer(_ request: WebRequest) async -> WebAnswer {
        if case .route(let route, let values) = control.find(request) {
            return await route.handler(request, values)
        }
        let found = routes.find(request)
        let answer: WebAnswer
        if await provider.knobs.settings.outage {
            await provider.counters.count(endpoint: "outage")
            answer = WebAnswer(status: 404)
        } else {
            switch found {
            case .route(let route, let values):
                await provider.counters.count(endpoint: "\(route.method) \(route.pattern)")
                answer = await route.handler(request, values)
            case .noMethod(let allowed):
                await provider.counters.count(endpoint: "other")
                answer = WebAnswer(status: 405)
                    .adding("Allow", allowed.joined(separator: ", "))
            case .noPath:
                await provider.counters.count(endpoint: "other")
                answer = WebAnswer(status: 404)
            }
        }
        await provider.log?.note(request, answer)
        return answer
    }

    private static func identityRoutes(_ provider: Provider) -> [Route] {
        let authorize = AuthorizeEndpoint(provider: provider)
        let endSession = EndSessionEndpoint(provider: provider)
        let userInfo = UserInfoEndpoint(provider: provider)
        return [
            Route("GET", "/.well-known/openid-configuration") { _, _ in
                .json(Discovery.document(issuer: provider.addresses.issuer))
            },
            Route("GET", "/.well-known/openid-configuration/jwks") { _, _ in
                .json(await provider.keys.keySet)
            },
            Route("GET", "/connect/authorize") { request, _ in await authorize.begin(request) },
            Route("POST", "/connect/authorize") { request, _ in await authorize.begin(request) },
            Route("GET", "/account/login") { request, _ in await authorize.loginPage(request) },
            Route("POST", "/account/login") { request, _ in await authorize.login(request) },
            Route("GET", "/account/continue") { request, _ in await authorize.proceed(request) },
            Route("GET", "/account/consent") { request, _ in
                await authorize.consentPage(request)
            },
            Route("POST", "/account/consent") { request, _ in await authorize.consent(request) },
            Route("POST", "/account/signout") { request, _ in await endSession.confirm(request) },
            Route("POST", "/connect/token") { request, _ in
                await TokenEndpoint(provider: provider).answer(request)
            },
            Route("GET", "/connect/userinfo") { request, _ in await userInfo.answer(request) },
            Route("POST", "/connect/userinfo") { request, _ in await userInfo.answer(request) },
            Route("POST", "/connect/revocation") { request, _ in
                await RevocationEndpoint(provider: provider).answer(request)
            },
            Route("GET", "/connect/endsession") { request, _ in await endSession.answer(request) },
            Route("POST", "/connect/endsession") { request, _ in await endSession.answer(request) },
            Route("GET", "/favicon.ico") { _, _ in WebAnswer(status: 204) },
        ]
    }
}
