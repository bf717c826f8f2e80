import AuthModels
import AuthSession
import DemoProvider
import Desktop
import FoundationEssentials
import HTTPTypes
import KSConnect
import Testing

/// The façade as an app uses it: over real sockets, with a real store and a real keyring, against
/// the demo's provider and API.
@Suite("An app and its API, all parts real")
struct FacadeTests {
    @Test("A person signs in, looks around lazily, opens a door and signs out")
    func story() async throws {
        try await withApp { app, demo in
            let api = try await app.api()
            #expect(try await api.me().firstName == "Alice")

            var names: [String] = []
            for try await site in api.sites {
                names.append(site.name)
                // A page holds one site here.
                #expect(try await demo.requests("GET /api/v1.2/sites") == names.count)
            }
            #expect(names == ["Harbour Office", "Old Mill"])

            let site = try await #require(api.sites.first { $0.name == "Harbour Office" })
            #expect(try await demo.requests("GET /api/v1.2/sites") == 3, "only the first page")
            let locks = try await site.locks.collect()
            #expect(locks.count == 5)
            #expect(try await site.users.collect().map(\.user?.firstName) == ["Alice"])
            #expect(
                try await site.iqs.collect().map(\.customerReference?.isEmpty) == [false, false])

            let vault = try #require(locks.first { $0.name == "Vault" })
            #expect(vault.asksForOneTimePassword)
            let otp = try #require(OneTimePassword("246810"))
            try await vault.unlock(otp: otp)
            #expect(try await api.lock(vault.id, in: site.id).lockedState == .unlocked)
            let latest = try #require(try await site.entries.first { _ in true })
            #expect(latest.lockName == "Vault" && latest.userFirstName == "Alice")

            #expect(try await app.signOut().revocationsWaiting == 0)
            #expect(try await demo.requests("POST /connect/revocation") == 1)
            await #expect(throws: AuthError.loginRequired(.never)) { try await app.api() }
            await #expect(throws: KSConnectError.auth(.loginRequired(.never))) {
                try await api.me()
            }
        }
    }

    @Test("Each refusal of a one-time password has its name, and three wrong ones block the person")
    func oneTimePasswords() async throws {
        try await withApp { app, demo in
            let api = try await app.api()
            let site = try await #require(api.sites.first { $0.name == "Harbour Office" })
            let vault = try await #require(site.locks.first { $0.name == "Vault" })
            let wrong = try #require(OneTimePassword("000000"))
            func refusal(_ otp: OneTimePassword?) async -> KSConnectError? {
                do throws(KSConnectError) {
                    try await vault.unlock(otp: otp)
                    return nil
                } catch {
                    return error
                }
            }
            guard case .otpMissing = await refusal(nil) else { throw Unexpected() }
            for _ in 0..<3 {
                guard case .otpInvalid = await refusal(wrong) else { throw Unexpected() }
            }
            guard case .otpBlocked(let fault) = await refusal(wrong) else { throw Unexpected() }
            #expect(fault.status == 403)
            #expect(
                try await demo.requests("PATCH /api/v1.2/sites/:site/locks/:lock/locking") == 5,
                "each was sent once")
        }
    }

    @Test("Case 76: a refused or expired access token is renewed in silence, once for all who wait")
    func renewal() async throws {
        try await withApp { app, demo in
            let api = try await app.api()
            _ = try await api.me()
            try await demo.server.control(#"{"revokeAllAccessTokens":true}"#)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = try await api.me() } }
                try await group.waitForAll()
            }
            #expect(try await demo.refreshes() == 1)
            try await demo.server.control(#"{"accessTokenLifetimeSeconds":1}"#)
            _ = try await app.service.refresh()
            #expect(try await demo.refreshes() == 2)
            let refused = ContinuousClock.now + .seconds(30)
            while try await demo.refreshes() == 2, ContinuousClock.now < refused {
                _ = try await api.me()
            }
            #expect(try await demo.refreshes() == 3, "it ran out, and no call has failed")
        }
    }

    @Test(
        "Case 76: an unlock that is refused for its token is sent once more, and opens one door once"
    )
    func unlockAfterRefusal() async throws {
        try await withApp { app, demo in
            let api = try await app.api()
            let site = try await #require(api.sites.first { $0.name == "Old Mill" })
            let gate = try await #require(site.locks.first { $0.name == "Mill gate" })
            try await demo.server.control(#"{"revokeAllAccessTokens":true}"#)
            try await gate.unlock()
            #expect(
                try await demo.requests("PATCH /api/v1.2/sites/:site/locks/:lock/locking") == 2)
            let opened = try await site.entries.collect()
                .filter { $0.eventDetail?.rawValue == "unlocked_remotely" }
            #expect(opened.count == 1)
        }
    }

    @Test("An unlock whose connection breaks is not repeated, and nobody says that it failed")
    func lostUnlock() async throws {
        try await withApp { app, demo in
            let api = try await app.api()
            let site = try await #require(api.sites.first { $0.name == "Old Mill" })
            let gate = try await #require(site.locks.first { $0.name == "Mill gate" })
            try await demo.server.control(#"{"apiFaults":[{"kind":"drop","count":5}]}"#)
            do throws(KSConnectError) {
                try await gate.unlock()
                Issue.record("nothing was thrown")
            } catch {
                guard case .outcomeUnknown(_, nil) = error else { throw error }
            }
            #expect(
                try await demo.requests("PATCH /api/v1.2/sites/:site/locks/:lock/locking") == 1)
        }
    }

    struct Unexpected: Error {}
}

/// The demo's server, and what it has counted.
private struct Demo {
    let server: DemoServer

    private struct Counters: Decodable {
        let endpoints: [String: Int]
        let grants: [String: Int]
    }

    private func counters() async throws -> Counters {
        try JSONDecoder().decode(Counters.self, from: Data(await server.counters()))
    }

    func requests(_ endpoint: String) async throws -> Int {
        try await counters().endpoints[endpoint] ?? 0
    }

    func refreshes() async throws -> Int {
        try await counters().grants["refresh_token"] ?? 0
    }
}

/// Signs alice in at a server of her own, with a store of her own; nothing is left behind.
private func withApp(_ body: (KSConnectClient, Demo) async throws -> Void) async throws {
    var configuration = DemoServer.Configuration()
    configuration.pageSize = 1
    let server = try await DemoServer.start(configuration)
    let directory = "/tmp/ksconnect-facade-\(UUID())"
    let transport = AsyncHTTPTransport(trust: .system)
    let person = configuration.people[0]
    let app = try KSConnectClient(
        storage: .desktop(directory: directory, promptAllowed: false),
        platform: Platform(
            transport: transport, redirects: LoopbackRedirectReceiver(),
            browser: WalkingBrowser(name: person.username, password: person.password),
            clock: SystemClock(), random: KernelRandom()))
    let profile = Profile(name: "demo", issuer: server.issuer, apiBase: server.apiURL)
    var failure: (any Error)?
    do {
        try await app.signIn(
            ClientRegistration(
                clientID: configuration.clients[0].id, profile: profile,
                redirectURI: "http://localhost:0/callback"), timeout: .seconds(60))
        try await body(app, Demo(server: server))
    } catch {
        failure = error
    }
    await transport.shutdown()
    await server.stop()
    try? FileManager.default.removeItem(atPath: directory)
    if let failure { throw failure }
}
