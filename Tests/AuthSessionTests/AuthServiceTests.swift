import AuthModels
import AuthSession
import FoundationEssentials
import Testing

@Suite("The auth service gives tokens")
struct AuthServiceTests {
    @Test("Case 59: 50 callers at once with a dead token cause one refresh, and all get its token")
    func stampede() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        let tokens = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<50 {
                group.addTask { try await bench.service.accessToken().access.reveal() }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(tokens == Array(repeating: "at-2", count: 50))
        #expect(bench.provider.refreshes == ["rt-1"])
        #expect(await bench.store.calls[.commitRefresh] == 1)
    }

    @Test("Case 59: callers of four services on one store cause one refresh between them")
    func stampedeOfServices() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        var services = [bench.service]
        for _ in 0..<3 { services.append(try bench.sibling()) }
        let tokens = try await withThrowingTaskGroup(of: String.self) { group in
            for service in services {
                for _ in 0..<10 {
                    group.addTask { try await service.accessToken().access.reveal() }
                }
            }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(tokens == ["at-2"])
        #expect(bench.provider.refreshes == ["rt-1"])
    }

    @Test("Callers who ask for a refresh now share one request while it is under way")
    func refreshNow() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn()
        let gate = Gate()
        bench.provider.next(.after({ await gate.pass() }, .rotate))
        let first = Task { try await bench.service.refresh() }
        try await eventually("the request is sent") { gate.arrivals == 1 }
        let others = (0..<9).map { _ in Task { try await bench.service.refresh() } }
        for _ in 0..<50 { await Task.yield() }
        gate.open()
        #expect(try await first.value.generation == Generation(2))
        for other in others { #expect(try await other.value.generation == Generation(2)) }
        #expect(bench.provider.refreshes == ["rt-1"])
    }

    @Test("A valid token is served from memory, without the store")
    func fromMemory() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn()
        #expect(bench.service.cachedToken(nil) == nil)
        #expect(try await bench.service.accessToken().access.reveal() == "at-1")
        let opened = await bench.store.calls[.open]
        #expect(try await bench.service.accessToken().access.reveal() == "at-1")
        #expect(bench.service.cachedToken(nil)?.access.reveal() == "at-1")
        #expect(await bench.store.calls[.open] == opened)
        #expect(bench.provider.requestCount == 0)
    }

    @Test("A token near its end is refreshed early")
    func early() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn()
        bench.clock.advance(by: .seconds(3595))
        #expect(try await bench.service.accessToken().access.reveal() == "at-2")
    }

    @Test("One caller's cancellation leaves the refresh to the others")
    func oneLeaves() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        let gate = Gate()
        bench.provider.next(.after({ await gate.pass() }, .rotate))
        let leaving = Task { try await bench.service.accessToken() }
        try await eventually("the request is sent") { gate.arrivals == 1 }
        let staying = Task { try await bench.service.accessToken() }
        leaving.cancel()
        await #expect(throws: AuthError.cancelled) { try await leaving.value }
        gate.open()
        #expect(try await staying.value.access.reveal() == "at-2")
        #expect(bench.provider.refreshes == ["rt-1"])
    }

    @Test("When all callers have gone the refresh is still finished and kept")
    func allLeave() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        let gate = Gate()
        bench.provider.next(.after({ await gate.pass() }, .rotate))
        let only = Task { try await bench.service.accessToken() }
        try await eventually("the request is sent") { gate.arrivals == 1 }
        only.cancel()
        await #expect(throws: AuthError.cancelled) { try await only.value }
        gate.open()
        try await eventually("the new token is kept") {
            await bench.refreshToken() == "rt-2"
        }
        try await eventually("the lock is free") { !bench.locks.isHeld() }
    }

    @Test("Case 60: a service with an old token in memory adopts what another has got")
    func staleSibling() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn()
        let stale = try bench.sibling()
        #expect(try await stale.accessToken().access.reveal() == "at-1")
        _ = try await bench.service.refresh()
        #expect(bench.provider.refreshes == ["rt-1"])
        // Its API has just refused at-1.
        let token = try await stale.accessToken(TokenNeed(newerThan: Generation(1)))
        #expect(token.access.reveal() == "at-2")
        #expect(bench.provider.refreshes == ["rt-1"])
    }

    @Test("Case 76: a 401 for the current token refreshes it, one for an older token does not")
    func rejected() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn()
        let second = try await bench.service.accessToken(TokenNeed(newerThan: Generation(1)))
        let again = try await bench.service.accessToken(TokenNeed(newerThan: Generation(1)))
        #expect(second == again)
        #expect(bench.provider.refreshes == ["rt-1"])
        _ = try await bench.service.accessToken(TokenNeed(newerThan: second.generation))
        #expect(bench.provider.refreshes == ["rt-1", "rt-2"])
    }

    @Test("A failure wakes every waiter once, with the same error")
    func allFail() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        let gate = Gate()
        bench.provider.next(
            .after({ await gate.pass() }, .fail(.notSent("connection refused"))))
        let callers = (0..<20).map { _ in
            Task { try await bench.service.accessToken() }
        }
        try await eventually("the request is sent") { gate.arrivals == 1 }
        for _ in 0..<200 { await Task.yield() }
        gate.open()
        for caller in callers {
            await #expect(throws: AuthError.transient("connection refused", retryAfter: nil)) {
                try await caller.value
            }
        }
    }

    @Test("Nobody signed in, and a tombstone, are loginRequired without a request")
    func nobody() async throws {
        let bench = try ServiceBench()
        await #expect(throws: AuthError.loginRequired(.never)) {
            try await bench.service.accessToken()
        }
        try await bench.signedIn(refresh: nil)
        try await bench.service.signOut()
        await #expect(throws: AuthError.loginRequired(.never)) {
            try await bench.service.accessToken()
        }
        #expect(bench.provider.requestCount == 0)
    }

    @Test("Case 33: without a refresh token the session ends with its access token")
    func noRefreshToken() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn(refresh: nil)
        #expect(try await bench.service.accessToken().access.reveal() == "at-1")
        bench.clock.advance(by: .seconds(3600))
        await #expect(throws: AuthError.loginRequired(.ended(.expired))) {
            try await bench.service.accessToken()
        }
        #expect(bench.provider.requestCount == 0)
    }

    @Test("Case 90: a locked key is told before anything is sent, and costs nothing")
    func lockedKey() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        await bench.store.fail(.open, .key(.locked))
        await #expect(throws: AuthError.store(.key(.locked))) {
            try await bench.service.accessToken()
        }
        #expect(bench.provider.requestCount == 0)
        #expect(try await bench.service.accessToken().access.reveal() == "at-2")
    }

    @Test("Case 91: a key that was replaced and is gone asks for a sign-in, and wipes nothing")
    func lostKey() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        await bench.store.fail(.open, .key(.lost("a keyring")))
        await #expect(throws: AuthError.loginRequired(.ended(.keyLost))) {
            try await bench.service.accessToken()
        }
        #expect(bench.provider.requestCount == 0)
        #expect(try await bench.service.accessToken().access.reveal() == "at-2")
    }

    @Test("Case 68: a store that cannot keep the mark stops the request from being sent")
    func markFails() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        await bench.store.fail(.markInFlight, .unavailable(.full))
        await #expect(throws: AuthError.store(.unavailable(.full))) {
            try await bench.service.accessToken()
        }
        #expect(bench.provider.requestCount == 0)
        #expect(await bench.refreshToken() == "rt-1")
        #expect(!bench.locks.isHeld())
    }

    @Test("Case 68: a commit that fails at first is tried again, with one request in all")
    func commitFails() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        await bench.store.fail(.commitRefresh, .unavailable(.full), .unavailable(.busy))
        #expect(try await bench.service.accessToken().access.reveal() == "at-2")
        #expect(bench.provider.refreshes == ["rt-1"])
        #expect(await bench.refreshToken() == "rt-2")
    }

    @Test("Case 68: while a commit keeps failing callers are told, and it is saved in the end")
    func commitKeepsFailing() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        for _ in 0..<8 { await bench.store.fail(.commitRefresh, .unavailable(.full)) }
        await #expect(throws: AuthError.store(.unavailable(.full))) {
            try await bench.service.accessToken()
        }
        try await eventually("it is saved") { await bench.refreshToken() == "rt-2" }
        #expect(try await bench.service.accessToken().access.reveal() == "at-2")
        #expect(bench.provider.refreshes == ["rt-1"])
    }

    @Test("The states begin with the current one and always give the latest")
    func states() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn()
        var states = bench.service.states.makeAsyncIterator()
        #expect(await states.next() == .signedOut)
        _ = try await bench.service.refresh()
        try await eventually("the refresh is over") { !bench.locks.isHeld() }
        // Many have passed since; a slow reader gets the last.
        guard case .signedIn(let session) = await states.next() else {
            Issue.record("not signed in")
            return
        }
        #expect(session.record.generation == Generation(2))
        try await bench.service.signOut()
        #expect(await states.next() == .signedOut)
        var second = bench.service.states.makeAsyncIterator()
        #expect(await second.next() == .signedOut)
    }

    @Test("What the store holds is read without the key")
    func restored() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn()
        await bench.store.fail(.open, .key(.locked))
        #expect(try await bench.service.restore().name == .signedIn)
        #expect(await bench.store.calls[.open] == nil)
    }
}
