import AuthModels
import AuthSession
import FoundationEssentials
import HTTPTypes
import Testing

@Suite("The auth service signs out")
struct AuthServiceSignOutTests {
    @Test("Signing out wipes the tokens, leaves a tombstone and revokes the refresh token")
    func signOut() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn()
        #expect(try await bench.service.signOut() == 0)
        #expect(bench.provider.revoked == ["rt-1"])
        #expect(await bench.store.tokens() == nil)
        let record = try await bench.record()
        #expect(record.phase == .signedOut && record.generation == Generation(1))
        #expect(await bench.state() == .signedOut)
        #expect(try await bench.service.signOut() == 0)
        #expect(bench.provider.revoked == ["rt-1"])
    }

    @Test("Case 75: a sign-out does not wait for a refresh, whose late token is revoked")
    func racesRefresh() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        let gate = Gate()
        bench.provider.next(.after({ await gate.pass() }, .rotate))
        let caller = Task { try await bench.service.accessToken() }
        try await eventually("the request is sent") { gate.arrivals == 1 }
        try await bench.service.signOut()
        await #expect(throws: AuthError.loginRequired(.never)) { try await caller.value }
        #expect(await bench.store.tokens() == nil)
        gate.open()
        try await eventually("the late token is revoked") {
            bench.provider.revoked.contains("rt-2")
        }
        #expect(try await bench.record().phase == .signedOut)
        #expect(await bench.store.tokens() == nil)
        try await eventually("the lock is free") { !bench.locks.isHeld() }
        await #expect(throws: AuthError.loginRequired(.never)) {
            try await bench.service.accessToken()
        }
    }

    @Test("Case 75: another process's sign-out during a refresh wins too")
    func siblingSignsOut() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        let gate = Gate()
        bench.provider.next(.after({ await gate.pass() }, .rotate))
        let caller = Task { try await bench.service.accessToken() }
        try await eventually("the request is sent") { gate.arrivals == 1 }
        try await bench.sibling().signOut()
        gate.open()
        await #expect(throws: AuthError.loginRequired(.never)) { try await caller.value }
        try await eventually("the late token is revoked") {
            bench.provider.revoked.contains("rt-2")
        }
        #expect(await bench.store.tokens() == nil)
    }

    @Test("Case 75: a revocation that is answered 503 waits as long as Retry-After says")
    func revocationLater() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn()
        bench.provider.answerRevocations(.status(503, headers: [.retryAfter: "120"]))
        #expect(try await bench.service.signOut() == 1)
        #expect(bench.provider.revoked == ["rt-1"])
        bench.clock.advance(by: .seconds(119))
        await bench.service.sendDueRevocations()
        #expect(bench.provider.revoked == ["rt-1"])
        bench.provider.answerRevocations(.status(200))
        bench.clock.advance(by: .seconds(1))
        await bench.service.sendDueRevocations()
        #expect(bench.provider.revoked == ["rt-1", "rt-1"])
        #expect(try await bench.store.pendingRevocationCount() == 0)
    }

    @Test("A sign-out that cannot be written keeps the session and says why")
    func storeFails() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn()
        _ = try await bench.service.accessToken()
        await bench.store.fail(.signOut, .unavailable(.readOnly))
        await #expect(throws: AuthError.store(.unavailable(.readOnly))) {
            try await bench.service.signOut()
        }
        #expect(try await bench.service.accessToken().access.reveal() == "at-1")
    }

    @Test("Sign-outs at the same time share one and all return")
    func together() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn()
        try await withThrowingTaskGroup { group in
            for _ in 0..<10 { group.addTask { _ = try await bench.service.signOut() } }
            try await group.waitForAll()
        }
        #expect(bench.provider.revoked == ["rt-1"])
    }

    @Test("The generation grows over a sign-out and a new sign-in")
    func generationGrows() async throws {
        let bench = try ServiceBench()
        try await bench.signedIn()
        try await bench.service.signOut()
        let again = try await bench.signedIn()
        #expect(again.record.generation == Generation(2))
    }
}
