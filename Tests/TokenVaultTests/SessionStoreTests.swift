import AuthModels
import Foundation
import GRDB
import Testing

@testable import TokenVault

@Suite("The session store")
struct SessionStoreTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test("A sign-in is opened again by another connection, every member as it was")
    func roundTrip() async throws {
        let session = try sampleSession()
        let written = try await folder.store().signIn(session)
        let read = try #require(try await folder.store().open(session.account))
        #expect(read == written)
        #expect(read.tokens == session.tokens)
        #expect(read.clientSecret == session.clientSecret)
        #expect(read.record.identity == session.identity)
        #expect(read.record.registration == session.registration)
        #expect(read.record.endpoints == session.endpoints)
        #expect(read.record.expiry == session.expiry)
        #expect(read.record.generation == Generation(1))
    }

    @Test("Reading where no store was made finds nothing and makes nothing")
    func readingCreatesNothing() async throws {
        let store = folder.store()
        #expect(try await store.record(of: try name()) == nil)
        #expect(try await store.open(try name()) == nil)
        #expect(try await store.accounts().isEmpty)
        #expect(try await store.signOut(try name()) == false)
        #expect(FileManager.default.fileExists(atPath: folder.data) == false)
    }

    @Test("Status, sign-out and expiry work without the key")
    func withoutKey() async throws {
        let session = try sampleSession()
        let opened = try await folder.store().signIn(session)
        let keyless = SQLiteSessionStore(directory: folder.data, vault: ClosedVault())
        let record = try #require(try await keyless.record(of: session.account))
        #expect(record.phase == .active && record.hasRefreshToken)
        #expect(record.identity?.subject == session.identity?.subject)
        await #expect(throws: StoreError.key(.locked)) { try await keyless.open(session.account) }
        #expect(
            try await keyless.expire(opened.record.reference, reason: .revoked, revoking: false))
        #expect(try await keyless.record(of: session.account)?.phase == .expired(.revoked))
        _ = try await folder.store().signIn(try sampleSession(id: "s2"))
        #expect(try await keyless.signOut(session.account))
        #expect(try await keyless.signOut(session.account) == false)
        #expect(try await keyless.pendingRevocationCount() == 1)
        #expect(try await keyless.record(of: session.account)?.phase == .signedOut)
    }

    @Test("The generation grows over sign-outs, new sign-ins and removal")
    func generationGrows() async throws {
        let store = folder.store()
        let first = try await store.signIn(try sampleSession(id: "s1"))
        _ = try await store.signOut(try name())
        let second = try await store.signIn(try sampleSession(id: "s2"))
        let third = try await store.signIn(try sampleSession(id: "s3"))
        try await store.removeAccount(try name())
        #expect(try await store.record(of: try name()) == nil)
        let fourth = try await store.signIn(try sampleSession(id: "s4"))
        let generations = [first, second, third, fourth].map(\.record.generation.rawValue)
        #expect(generations == [1, 2, 3, 4])
        // The session that was replaced and the two that ended are to be revoked.
        #expect(try await store.pendingRevocationCount() == 3)
    }

    @Test("Account names are told apart and ordered by their bytes")
    func namesAreBytes() async throws {
        let store = folder.store()
        let composed = "caf\u{E9}"
        let decomposed = "cafe\u{301}"
        for account in [composed, "b", decomposed, "B"] {
            _ = try await store.signIn(try sampleSession(account, tag: account == "b" ? "b" : "x"))
        }
        let names = try await store.accounts().map { Array($0.account.rawValue.utf8) }
        #expect(names == ["B", "b", decomposed, composed].map { Array($0.utf8) })
        try await store.removeAccount(try name(composed))
        #expect(try await store.open(try name(decomposed)) != nil)
    }

    @Test("The first account to sign in is the current one until another is chosen")
    func currentAccount() async throws {
        let store = folder.store()
        #expect(try await store.currentAccount() == nil)
        _ = try await store.signIn(try sampleSession("alice"))
        _ = try await store.signIn(try sampleSession("bob", id: "s2"))
        #expect(try await store.currentAccount() == name("alice"))
        try await store.useAccount(try name("bob"))
        #expect(try await folder.store().currentAccount() == name("bob"))
        try await store.removeAccount(try name("bob"))
        #expect(try await store.currentAccount() == nil)
    }

    @Test("A standing mark keeps its start and takes a new sending time")
    func markKeepsStart() async throws {
        let store = folder.store()
        let reference = try await store.signIn(try sampleSession()).record.reference
        #expect(try await store.markInFlight(reference, at: sampleMoment))
        try await store.postponeMark(reference, retryAfter: .seconds(7))
        var mark = try #require(try await store.record(of: try name())?.mark)
        #expect(mark.retryAfter == .seconds(7))
        let later = sampleMoment.advanced(by: .seconds(9))
        #expect(try await store.markInFlight(reference, at: later))
        mark = try #require(try await store.record(of: try name())?.mark)
        #expect(mark.started == sampleMoment && mark.lastSent == later && mark.retryAfter == nil)
        try await store.clearMark(reference)
        #expect(try await store.record(of: try name())?.mark == nil)
        var stale = reference
        stale.generation = reference.generation.next
        #expect(try await store.markInFlight(stale, at: later) == false)
    }

    @Test("A committed refresh is the next generation, without a mark, the client secret kept")
    func commit() async throws {
        let store = folder.store()
        let reference = try await store.signIn(try sampleSession()).record.reference
        _ = try await store.markInFlight(reference, at: sampleMoment)
        let outcome = try await store.commitRefresh(reference, try sampleRefresh("1"))
        let read = try #require(try await folder.store().open(try name()))
        #expect(outcome == .committed(read))
        #expect(read.record.generation == reference.generation.next)
        #expect(read.record.mark == nil)
        #expect(read.tokens == (try sampleTokens("1")))
        #expect(read.clientSecret == ClientSecret("canary:+%"))
        #expect(read.record.expiry.lifetime == nil)
    }

    @Test("Case 62: a session that the provider ended has its tokens erased in that transaction")
    func erasedWhenExpired() async throws {
        let store = folder.store()
        let opened = try await store.signIn(try sampleSession())
        let sealed = try await folder.raw().read { db in
            try Data.fetchOne(db, sql: "SELECT sealed_refresh FROM session")
        }
        let needle = try #require(sealed)
        #expect(try folder.everything().contains { $0.bytes.range(of: needle) != nil })
        #expect(
            try await store.expire(opened.record.reference, reason: .revoked, revoking: false))
        #expect(try folder.everything().contains { $0.bytes.range(of: needle) != nil } == false)
        #expect(try await store.open(try name()) == nil)
        #expect(try await store.pendingRevocationCount() == 0)
        let again = try await store.expire(
            opened.record.reference, reason: .outcomeUnknown, revoking: false)
        #expect(again == false)
    }

    @Test("Case 75: a refresh that comes back after a sign-out is not kept but revoked")
    func signOutRacesRefresh() async throws {
        let refresher = folder.store()
        let reference = try await refresher.signIn(try sampleSession()).record.reference
        #expect(try await refresher.markInFlight(reference, at: sampleMoment))
        #expect(try await folder.store().signOut(try name()))
        let outcome = try await refresher.commitRefresh(reference, try sampleRefresh("late"))
        #expect(outcome == .superseded)
        #expect(try await refresher.record(of: try name())?.phase == .signedOut)
        let due = try await folder.store().dueRevocations(at: .now, limit: 10)
        #expect(
            due.map { $0.token.reveal() } == ["canary-refresh-0", "canary-refresh-late"])
        #expect(due.allSatisfy { $0.clientSecret == ClientSecret("canary:+%") })
        #expect(due.allSatisfy { $0.endpoints.revocation != nil })
    }

    @Test("Case 75: of two commits for one generation one wins, and the loser's token is revoked")
    func compareAndSwap() async throws {
        let (one, two) = (folder.store(), folder.store())
        let reference = try await one.signIn(try sampleSession()).record.reference
        async let first = one.commitRefresh(reference, try sampleRefresh("a"))
        async let second = two.commitRefresh(reference, try sampleRefresh("b"))
        let outcomes = try await [first, second]
        #expect(outcomes.count { $0 == .superseded } == 1)
        let kept = try #require(try await one.open(try name()))
        #expect(kept.record.generation == reference.generation.next)
        let due = try await one.dueRevocations(at: .now, limit: 10)
        #expect(due.count == 1 && due.first?.token != kept.tokens.refresh)
    }

    @Test("A late answer with the token in use is not revoked: some providers never rotate")
    func sameTokenIsNotRevoked() async throws {
        let store = folder.store()
        let reference = try await store.signIn(try sampleSession()).record.reference
        _ = try await store.commitRefresh(reference, try sampleRefresh("same"))
        let late = try await store.commitRefresh(reference, try sampleRefresh("same"))
        #expect(late == .superseded)
        #expect(try await store.pendingRevocationCount() == 0)
    }

    @Test("Revocations come oldest first, wait when postponed, and go when completed")
    func revocationQueue() async throws {
        let store = folder.store()
        for tag in ["1", "2", "3"] {
            _ = try await store.signIn(try sampleSession(id: "s" + tag, tag: tag))
        }
        _ = try await store.signOut(try name())
        let due = try await store.dueRevocations(at: .now, limit: 2)
        #expect(due.map { $0.token.reveal() } == ["canary-refresh-1", "canary-refresh-2"])
        let first = try #require(due.first)
        let later = Date.now.addingTimeInterval(600)
        try await store.postponeRevocation(first.id, until: later)
        #expect(try await store.dueRevocations(at: .now, limit: 9).count == 2)
        let again = try await store.dueRevocations(at: later, limit: 9)
        #expect(again.first?.attempts == 1)
        for revocation in again { try await store.completeRevocation(revocation.id) }
        #expect(try await store.pendingRevocationCount() == 0)
    }
}
