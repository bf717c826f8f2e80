import FoundationEssentials

/// The KS Connect API, as far as it is known, over the sample sites.
struct KSAPI: Sendable {
    let provider: Provider

    /// The routes below `base`, which is empty on a port of their own.
    func routes(base: String) -> [Route] {
        [
            route("GET", base + "/v1.2/me") { call in KSShapes.me(call.person) },
            Route("GET", base + "/v1.2/sites") { request, values in
                await guarded(request, values, sites)
            },
            route("GET", base + "/v1.2/sites/:site") { call throws(KSError) in
                KSShapes.site(try await site(call), people: provider.people.people)
            },
            Route("GET", base + "/v1.2/sites/:site/locks") { request, values in
                await guarded(request, values, locks)
            },
            route("GET", base + "/v1.2/sites/:site/locks/:lock") { call throws(KSError) in
                let (site, lock) = try await lock(call)
                return KSShapes.lock(
                    lock, of: site, state: await provider.building.state(of: lock, now: Date()))
            },
            Route("PATCH", base + "/v1.2/sites/:site/locks/:lock/locking") { request, values in
                await guarded(request, values, changeLocking)
            },
            Route("GET", base + "/v1.1/sites/:site/entries") { request, values in
                await guarded(request, values, entries)
            },
            Route("GET", base + "/v1.2/sites/:site/entries") { request, values in
                await guarded(request, values) { _ throws(KSError) in
                    throw KSError(status: 405, code: 405, message: "method_not_allowed")
                }
            },
            Route("GET", base + "/v1.2/sites/:site/users") { request, values in
                await guarded(request, values, users)
            },
            Route("GET", base + "/v1.2/sites/:site/iqs") { request, values in
                await guarded(request, values, hubs)
            },
        ]
    }

    /// A call by someone whose token was good.
    struct Call: Sendable {
        let request: WebRequest
        let values: PathValues
        let person: DemoServer.Person
    }

    private typealias Handler = @Sendable (Call) async throws(KSError) -> WebAnswer

    private func route(
        _ method: String, _ pattern: String,
        _ value: @escaping @Sendable (Call) async throws(KSError) -> JSON
    ) -> Route {
        Route(method, pattern) { request, values in
            await guarded(request, values) { call throws(KSError) in
                .json(try await value(call))
            }
        }
    }

    /// Faults first, then the token, then the call itself.
    private func guarded(
        _ request: WebRequest, _ values: PathValues, _ handler: Handler
    ) async -> WebAnswer {
        let answer = await answer(request, values, handler)
        return await provider.addingNonce(to: answer, of: request, at: .api)
    }

    private func answer(
        _ request: WebRequest, _ values: PathValues, _ handler: Handler
    ) async -> WebAnswer {
        await pause(milliseconds: provider.knobs.settings.apiLatencyMilliseconds)
        if let fault = await provider.knobs.takeAPIFault() { return fault.answer }
        let claims: AccessTokenClaims
        switch await BearerCheck(provider: provider).check(request, at: .api) {
        case .failure(let refusal): return refusal.answer(body: Self.body(of: refusal))
        case .success(let good): claims = good
        }
        let scope = DemoServer.Scope.userAPI.rawValue
        guard claims.aud == "user_api", claims.scope.contains(scope) else {
            let refusal = BearerCheck.Refusal.insufficientScope(scope)
            return refusal.answer(body: Self.body(of: refusal))
        }
        guard let person = provider.people.person(subject: claims.sub) else {
            return KSError.notFound.answer
        }
        do throws(KSError) {
            return try await handler(Call(request: request, values: values, person: person))
        } catch {
            return error.answer
        }
    }

    private static func body(of refusal: BearerCheck.Refusal) -> JSON {
        switch refusal {
        case .missing, .invalidToken, .invalidProof, .wantsNonce:
            KSError(status: 401, code: 401, message: "unauthorized").body
        case .insufficientScope: KSError(status: 403, code: 403, message: "forbidden").body
        }
    }

    private func site(_ call: Call) async throws(KSError) -> Building {
        try await provider.building.site(call.values["site"] ?? "", for: call.person)
    }

    private func lock(_ call: Call) async throws(KSError) -> (Building, Building.Lock) {
        let site = try await site(call)
        let id = call.values["lock"] ?? ""
        guard let lock = site.locks.first(where: { sameBytes($0.id, id) }) else { throw .notFound }
        return (site, lock)
    }
}

extension KSAPI {
    private func sites(_ call: Call) async throws(KSError) -> WebAnswer {
        let sites = provider.building.sites(of: call.person).map {
            KSShapes.site($0, people: provider.people.people)
        }
        if await provider.knobs.settings.sitesAsBareArray { return .json(.array(sites)) }
        return try page(sites, of: call)
    }

    private func locks(_ call: Call) async throws(KSError) -> WebAnswer {
        let site = try await site(call)
        var items: [JSON] = []
        for lock in site.locks {
            let state = await provider.building.state(of: lock, now: Date())
            items.append(KSShapes.lock(lock, of: site, state: state))
        }
        return try page(items, of: call)
    }

    private func entries(_ call: Call) async throws(KSError) -> WebAnswer {
        let site = try await site(call)
        let order = call.request.queryFields?["$orderby"] ?? "utc_date_time asc"
        guard ["utc_date_time", "utc_date_time asc", "utc_date_time desc"].contains(order) else {
            throw .badRequest
        }
        let entries = await provider.building.entries(
            of: site.id, newestFirst: order == "utc_date_time desc")
        return try page(entries.map(KSShapes.entry), of: call)
    }

    private func users(_ call: Call) async throws(KSError) -> WebAnswer {
        let site = try await site(call)
        let people = provider.people.people.filter { person in
            person.sites.contains { sameBytes($0, site.id) }
        }
        let items = people.enumerated().map { KSShapes.user($1, isOwner: $0 == 0) }
        return try page(items, of: call)
    }

    private func hubs(_ call: Call) async throws(KSError) -> WebAnswer {
        try page(try await site(call).hubs.map(KSShapes.hub), of: call)
    }

    private struct LockingChange: Decodable {
        let state: String
        let otp: String?

        enum CodingKeys: String, CodingKey {
            case state = "locked_state"
            case otp
        }
    }

    private func changeLocking(_ call: Call) async throws(KSError) -> WebAnswer {
        let (site, lock) = try await lock(call)
        guard
            let change = try? JSONDecoder().decode(
                LockingChange.self, from: Data(call.request.body))
        else { throw .badRequest }
        try await provider.building.change(
            lock, of: site, to: change.state, password: change.otp, by: call.person,
            now: Date())
        return WebAnswer(status: 204)
    }

    /// The most items that `$top` can ask for.
    private static let topMax = 100

    /// One page of a list: `$top` items after `$skip`, and the address of the page after it.
    private func page(_ items: [JSON], of call: Call) throws(KSError) -> WebAnswer {
        guard let query = call.request.queryFields else { throw .badRequest }
        guard let top = number(query["$top"], otherwise: provider.configuration.pageSize),
            let skip = number(query["$skip"], otherwise: 0)
        else { throw .badRequest }
        let size = min(max(top, 1), Self.topMax)
        let end = min(skip.addingReportingOverflow(size).partialValue, items.count)
        let some = skip < end ? Array(items[skip..<end]) : []
        let path = call.request.path.dropFirst(provider.addresses.apiPathPrefix.count)
        let order = query["$orderby"].map { "&$orderby=\(FormFields.encode($0))" } ?? ""
        let next = "\(provider.addresses.api)\(path)?$skip=\(end)&$top=\(size)\(order)"
        return .json([
            "items": .array(some), "count": .int(items.count),
            "next_page_link": end < items.count ? .string(next) : .null,
        ])
    }

    private func number(_ text: String?, otherwise standard: Int) -> Int? {
        guard let text else { return standard }
        return UInt32(text).map(Int.init)
    }
}
