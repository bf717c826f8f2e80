import AuthModels
import Foundation
import GRDB
import Testing

@testable import TokenVault

@Suite("The key that tokens are bound to")
struct DPoPKeyTests {
    let folder: TestFolder
    /// Text, so that it is found wherever it lies in the clear.
    private static let canary = "canary-dpop-key-0123456789abcdef"

    init() throws { folder = try TestFolder() }

    private func key() throws -> DPoPKey {
        try made(DPoPKey(SecretBytes(Self.canary.utf8)))
    }

    private func session(_ account: String = "alice", tag: String = "0") throws -> NewSession {
        try sampleSession(account, id: "s-\(account)", tag: tag, dpopKey: try key())
    }

    @Test("It comes back with its session, over a refresh too, and lies nowhere in the clear")
    func kept() async throws {
        let store = folder.store()
        let opened = try await store.signIn(try session())
        #expect(opened.dpopKey == (try key()))
        let reference = opened.record.reference
        #expect(try await store.markInFlight(reference, at: sampleMoment))
        _ = try await store.commitRefresh(reference, try sampleRefresh("1"))
        let read = try made(try await folder.store().open(try name()))
        #expect(read.dpopKey == (try key()) && read.record.registration.usesDPoP)
        #expect(read.tokens == (try sampleTokens("1")))
        for (name, bytes) in try folder.everything() {
            #expect(bytes.range(of: Data(Self.canary.utf8)) == nil, "\(name)")
            #expect(bytes.range(of: Data(Self.canary.utf8).base64EncodedData()) == nil, "\(name)")
        }
    }

    @Test("It is wiped by a sign-out and by an end of the session")
    func wiped() async throws {
        let store = folder.store()
        let opened = try await store.signIn(try session())
        let seal = try await seal()
        #expect(try folder.everything().contains { $0.bytes.range(of: seal) != nil })
        #expect(try await store.signOut(try name()))
        #expect(try folder.everything().allSatisfy { $0.bytes.range(of: seal) == nil })
        let again = try await store.signIn(try session())
        let second = try await self.seal()
        #expect(again.record.generation > opened.record.generation)
        _ = try await store.expire(again.record.reference, reason: .revoked, revoking: false)
        #expect(try folder.everything().allSatisfy { $0.bytes.range(of: second) == nil })
    }

    private func seal() async throws -> Data {
        try await folder.raw().read { db in
            try made(try Data.fetchOne(db, sql: "SELECT sealed_dpop_key FROM session"))
        }
    }

    @Test("A new sealing key takes it along")
    func rotated() async throws {
        let store = folder.store()
        _ = try await store.signIn(try session("alice", tag: "a"))
        _ = try await store.signIn(try session("bob", tag: "b"))
        _ = try await store.signOut(try name("bob"))
        _ = try await store.rotateKey()
        let read = folder.store()
        #expect(try await read.open(try name())?.dpopKey == (try key()))
        let due = try await read.dueRevocations(at: .now, limit: 9)
        #expect(due.map { $0.token.reveal() } == ["canary-refresh-b"])
        #expect(due.first?.registration.usesDPoP == true)
        #expect(due.first?.clientSecret == ClientSecret("canary:+%"))
    }

    @Test(
        "Case 98: a key that was edited, taken away, moved or forbidden is told",
        arguments: [
            "sealed_dpop_key = NULL", "sealed_dpop_key = sealed_client_secret",
            "sealed_dpop_key = NULL, uses_dpop = 0", "uses_dpop = 0", "uses_dpop = 2",
            "sealed_dpop_key = zeroblob(60)",
            "sealed_dpop_key = (SELECT sealed_dpop_key FROM session WHERE account = x'626F62')",
        ])
    func edited(_ edit: String) async throws {
        let store = folder.store()
        _ = try await store.signIn(try session("alice", tag: "a"))
        _ = try await store.signIn(try session("bob", tag: "b"))
        try await folder.raw().write { db in
            try db.execute(sql: "UPDATE session SET \(edit) WHERE account = x'616C696365'")
        }
        let error = await #expect(throws: StoreError.self) { try await store.open(try name()) }
        guard case .corrupt(let reason) = error else {
            Issue.record("not told as damage: \(String(describing: error))")
            return
        }
        #expect(!reason.contains("canary"))
        #expect(try await store.open(try name("bob"))?.dpopKey == (try key()))
    }

    @Test("Case 98: a session without one gets none by an edit either")
    func forbidden() async throws {
        let store = folder.store()
        _ = try await store.signIn(try sampleSession())
        try await folder.raw().write { try $0.execute(sql: "UPDATE session SET uses_dpop = 1") }
        await #expect(throws: StoreError.self) { try await store.open(try name()) }
    }

    @Test("What earlier versions' seals cover of a client is what it was, down to names and order")
    func oldSeals() throws {
        let session = try sampleSession()
        var columns = Columns()
        columns.set(session.registration, session.endpoints)
        #expect(
            columns.names == [
                "issuer", "client_id", "client_auth", "asked_scope", "redirect_uri", "api_base",
                "prompt", "authorization_endpoint", "token_endpoint", "jwks_endpoint",
                "userinfo_endpoint", "revocation_endpoint", "end_session_endpoint",
                "id_token_algorithms",
            ])
    }

    @Test("A store of the version before opens with its sessions and revocations, and is migrated")
    func migration() async throws {
        let store = folder.store()
        _ = try await store.signIn(try sampleSession("alice", id: "s1", tag: "a"))
        _ = try await store.signIn(try sampleSession("bob", id: "s2", tag: "b"))
        _ = try await store.signOut(try name("bob"))
        let raw = try folder.raw()
        try await raw.write { db in
            try db.execute(
                sql: """
                    ALTER TABLE session DROP COLUMN uses_dpop;
                    ALTER TABLE session DROP COLUMN sealed_dpop_key;
                    ALTER TABLE revocation DROP COLUMN uses_dpop;
                    PRAGMA user_version = 2;
                    """)
        }
        let columns = { (database: DatabaseQueue) async throws in
            try await database.read { db in
                try String.fetchSet(
                    db,
                    sql: """
                        SELECT m.name || '.' || c.name || ' ' || c.type FROM sqlite_master m
                        JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
                        """)
            }
        }
        let second = try DatabaseQueue()
        try await second.write { try StoreSchema.create($0, id: StoreID(random: ()), version: 2) }
        #expect(try await columns(raw) == (try await columns(second)))
        try raw.close()
        let migrated = folder.store()
        let opened = try made(try await migrated.open(try name()))
        #expect(opened.tokens == (try sampleTokens("a")) && opened.dpopKey == nil)
        #expect(!opened.record.registration.usesDPoP)
        let due = try await migrated.dueRevocations(at: .now, limit: 9)
        #expect(due.map { $0.token.reveal() } == ["canary-refresh-b"])
        let reference = opened.record.reference
        #expect(try await migrated.markInFlight(reference, at: sampleMoment))
        _ = try await migrated.commitRefresh(reference, try sampleRefresh("1"))
        #expect(try await folder.store().open(try name())?.tokens == (try sampleTokens("1")))
        let version = try await folder.raw().read { db in
            try Int.fetchOne(db, sql: "PRAGMA user_version")
        }
        #expect(version == StoreSchema.version)
    }
}
