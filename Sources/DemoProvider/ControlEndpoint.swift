import FoundationEssentials

/// `/__control`: turns the knobs at run time, for tests in other processes.
///
/// Guarded by a key in the header `X-Control-Key`; its requests are neither counted nor logged.
struct ControlEndpoint: Sendable {
    let provider: Provider

    static let keyHeader = "x-control-key"

    var routes: [Route] {
        [
            Route("POST", "/__control") { request, _ in await guarded(request, change) },
            Route("GET", "/__control") { request, _ in
                await guarded(request) { _ in await state() }
            },
            Route("GET", "/__control/counters") { request, _ in
                await guarded(request) { _ in await counters() }
            },
        ]
    }

    /// What a request may ask for; every member is optional.
    struct Command: Decodable, Sendable {
        var accessTokenLifetimeSeconds: Int?
        var identityTokenLifetimeSeconds: Int?
        var authorizationCodeLifetimeSeconds: Int?
        var refreshTokenLifetimeSeconds: Int?
        var rotation: DemoServer.Configuration.Rotation?
        var graceSeconds: Int?
        var sitesAsBareArray: Bool?
        var tokenLatencyBeforeMilliseconds: Int?
        var tokenLatencyAfterMilliseconds: Int?
        var apiLatencyMilliseconds: Int?
        var dpopNonceAtToken: Bool?
        var dpopNonceAtAPI: Bool?
        var dpopNonceRotates: Bool?
        var dpopAlwaysChallenges: Bool?
        var outage: Bool?
        var tokenFaults: [TokenFault]?
        var apiFaults: [APIFault]?
        var clearFaults: Bool?
        var revokeAllAccessTokens: Bool?
        var revokeAllFamilies: Bool?
        var revokeFamiliesOfSubject: String?
        var rotateSigningKey: Bool?
        var resetCounters: Bool?

        static let names: Set<String> = [
            "accessTokenLifetimeSeconds", "identityTokenLifetimeSeconds",
            "authorizationCodeLifetimeSeconds", "refreshTokenLifetimeSeconds", "rotation",
            "graceSeconds", "sitesAsBareArray", "tokenLatencyBeforeMilliseconds",
            "tokenLatencyAfterMilliseconds", "apiLatencyMilliseconds", "dpopNonceAtToken",
            "dpopNonceAtAPI", "dpopNonceRotates", "dpopAlwaysChallenges", "outage", "tokenFaults",
            "apiFaults", "clearFaults", "revokeAllAccessTokens", "revokeAllFamilies",
            "revokeFamiliesOfSubject", "rotateSigningKey", "resetCounters",
        ]
    }

    private func guarded(
        _ request: WebRequest, _ handler: @Sendable (WebRequest) async -> WebAnswer
    ) async -> WebAnswer {
        guard let key = request.header(Self.keyHeader), sameBytes(key, provider.controlKey) else {
            return .json(["error": "The header X-Control-Key is missing or wrong."], status: 403)
        }
        return await handler(request)
    }

    private func change(_ request: WebRequest) async -> WebAnswer {
        do throws(DemoServer.ControlError) {
            try await carryOut(request.body)
            return await state()
        } catch {
            switch error {
            case .refused(let reason): return .json(["error": .string(reason)], status: 400)
            }
        }
    }

    /// Carries out a command, whole or not at all.
    func carryOut(_ json: some Sequence<UInt8>) async throws(DemoServer.ControlError) {
        let data = Data(json)
        do {
            // A misspelt knob would silently test nothing.
            let names = try JSONDecoder().decode([String: Anything].self, from: data).keys
            let unknown = names.filter { !Command.names.contains($0) }.sorted()
            guard unknown.isEmpty else {
                throw DemoServer.ControlError.refused(
                    "Unknown: \(unknown.joined(separator: ", ")).")
            }
            let command = try JSONDecoder().decode(Command.self, from: data)
            try await apply(command)
        } catch let error as DemoServer.ControlError {
            throw error
        } catch let error as DecodingError {
            throw .refused("Not understood: \(Self.place(of: error)).")
        } catch {
            throw .refused("It failed: \(error).")
        }
    }

    private func apply(_ command: Command) async throws {
        await provider.knobs.update { settings in
            func set<Value>(_ path: WritableKeyPath<Settings, Value>, _ value: Value?) {
                if let value { settings[keyPath: path] = value }
            }
            set(\.accessTokenLifetimeSeconds, command.accessTokenLifetimeSeconds)
            set(\.identityTokenLifetimeSeconds, command.identityTokenLifetimeSeconds)
            set(\.authorizationCodeLifetimeSeconds, command.authorizationCodeLifetimeSeconds)
            set(\.refreshTokenLifetimeSeconds, command.refreshTokenLifetimeSeconds)
            set(\.rotation, command.rotation)
            set(\.graceSeconds, command.graceSeconds)
            set(\.sitesAsBareArray, command.sitesAsBareArray)
            set(\.tokenLatencyBeforeMilliseconds, command.tokenLatencyBeforeMilliseconds)
            set(\.tokenLatencyAfterMilliseconds, command.tokenLatencyAfterMilliseconds)
            set(\.apiLatencyMilliseconds, command.apiLatencyMilliseconds)
            set(\.dpopNonceAtToken, command.dpopNonceAtToken)
            set(\.dpopNonceAtAPI, command.dpopNonceAtAPI)
            set(\.dpopNonceRotates, command.dpopNonceRotates)
            set(\.dpopAlwaysChallenges, command.dpopAlwaysChallenges)
            set(\.outage, command.outage)
        }
        if command.clearFaults == true { await provider.knobs.clearFaults() }
        for fault in command.tokenFaults ?? [] { await provider.knobs.add(tokenFault: fault) }
        for fault in command.apiFaults ?? [] { await provider.knobs.add(apiFault: fault) }
        if command.revokeAllAccessTokens == true { await provider.grants.revokeAllAccessTokens() }
        if command.revokeAllFamilies == true {
            await provider.grants.revokeFamilies(ofSubject: nil)
        }
        if let subject = command.revokeFamiliesOfSubject {
            await provider.grants.revokeFamilies(ofSubject: subject)
        }
        if command.rotateSigningKey == true { try await provider.keys.rotate() }
        if command.resetCounters == true {
            await provider.counters.reset()
            await provider.grants.resetCounts()
        }
    }

    private func state() async -> WebAnswer {
        let settings = await provider.knobs.settings
        let waiting = await provider.knobs.waiting
        return .json([
            "accessTokenLifetimeSeconds": .int(settings.accessTokenLifetimeSeconds),
            "identityTokenLifetimeSeconds": .int(settings.identityTokenLifetimeSeconds),
            "authorizationCodeLifetimeSeconds": .int(settings.authorizationCodeLifetimeSeconds),
            "refreshTokenLifetimeSeconds": .int(settings.refreshTokenLifetimeSeconds),
            "rotation": .string(settings.rotation.rawValue),
            "graceSeconds": .int(settings.graceSeconds),
            "sitesAsBareArray": .bool(settings.sitesAsBareArray),
            "tokenLatencyBeforeMilliseconds": .int(settings.tokenLatencyBeforeMilliseconds),
            "tokenLatencyAfterMilliseconds": .int(settings.tokenLatencyAfterMilliseconds),
            "apiLatencyMilliseconds": .int(settings.apiLatencyMilliseconds),
            "dpopNonceAtToken": .bool(settings.dpopNonceAtToken),
            "dpopNonceAtAPI": .bool(settings.dpopNonceAtAPI),
            "dpopNonceRotates": .bool(settings.dpopNonceRotates),
            "dpopAlwaysChallenges": .bool(settings.dpopAlwaysChallenges),
            "outage": .bool(settings.outage),
            "waitingTokenFaults": .int(waiting.token), "waitingAPIFaults": .int(waiting.api),
        ])
    }

    private func counters() async -> WebAnswer { .json(await report()) }

    /// What has been counted so far.
    func report() async -> JSON {
        let reuse = await provider.grants.reuseDetections
        let codes = await provider.grants.codeReuses
        return await provider.counters.report(reuseDetections: reuse, codeReuses: codes)
    }

    /// Where in the command the trouble is.
    private static func place(of error: DecodingError) -> String {
        let context: DecodingError.Context? =
            switch error {
            case .typeMismatch(_, let context), .valueNotFound(_, let context),
                .keyNotFound(_, let context), .dataCorrupted(let context):
                context
            @unknown default: nil
            }
        let path = context?.codingPath.map(\.stringValue).joined(separator: ".") ?? ""
        return path.isEmpty ? "the body is not a JSON object" : path
    }

    /// Any JSON value, when only the names around it matter.
    private struct Anything: Decodable {
        init(from decoder: any Decoder) throws {}
    }
}
