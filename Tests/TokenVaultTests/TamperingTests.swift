import AuthModels
import Foundation
import GRDB
import Testing

@testable import TokenVault

@Suite("A store that was tampered with")
struct TamperingTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func expectRefused(_ account: String = "alice") async throws {
        let store = folder.store()
        let error = await #expect(throws: StoreError.self) {
            try await store.open(try name(account))
        }
        guard case .corrupt(let reason) = error else {
            Issue.record("not told as damage: \(String(describing: error))")
            return
        }
        #expect(!reason.contains("canary"))
    }

    @Test(
        "Case 98: a flipped bit in any sealed column is told",
        arguments: [
            "sealed_access", "sealed_refresh", "sealed_id", "sealed_client_secret", "sealed_nonce",
        ])
    func flippedBit(_ column: String) async throws {
        _ = try await folder.store().signIn(try sampleSession())
        try await folder.raw().write { db in
            var bytes = try #require(try Data.fetchOne(db, sql: "SELECT \(column) FROM session"))
            bytes[bytes.count / 2] ^= 1
            try db.execute(sql: "UPDATE session SET \(column) = ?", arguments: [bytes])
        }
        try await expectRefused()
    }

    @Test(
        "Case 98: an edit of what stands in clear is told",
        arguments: [
            "token_endpoint = 'https://evil.example.org/token'",
            "revocation_endpoint = 'https://evil.example.org/r'",
            "issuer = 'https://evil.example.org'", "client_id = 'other'",
            "api_base = 'https://evil.example.org'", "subject = 'someone'",
            "granted_scope = 'admin'", "lifetime = 1", "generation = 2", "session_id = 's9'",
            "has_refresh_token = 0, sealed_refresh = NULL",
        ])
    func editedMetadata(_ edit: String) async throws {
        _ = try await folder.store().signIn(try sampleSession())
        try await folder.raw().write { try $0.execute(sql: "UPDATE session SET \(edit)") }
        try await expectRefused()
    }

    @Test("Case 98: sealed values swapped between two accounts are told")
    func swappedAccounts() async throws {
        let store = folder.store()
        _ = try await store.signIn(try sampleSession("alice", id: "s1", tag: "a"))
        _ = try await store.signIn(try sampleSession("bob", id: "s1", tag: "b"))
        try await folder.raw().write { db in
            try db.execute(
                sql: """
                    CREATE TABLE old AS SELECT account, sealed_refresh FROM session;
                    UPDATE session SET sealed_refresh = (
                        SELECT old.sealed_refresh FROM old WHERE old.account != session.account)
                    """)
        }
        try await expectRefused("alice")
        try await expectRefused("bob")
    }

    @Test("Case 98: an older row put back is told, although its own seals still open")
    func oldRowRestored() async throws {
        let store = folder.store()
        let reference = try await store.signIn(try sampleSession()).record.reference
        try await folder.raw().write { db in
            try db.execute(sql: "CREATE TABLE old AS SELECT * FROM session")
        }
        _ = try await store.commitRefresh(reference, try sampleRefresh("1"))
        try await folder.raw().write { db in
            try db.execute(sql: "INSERT OR REPLACE INTO session SELECT * FROM old")
        }
        try await expectRefused()
    }

    @Test("Case 98: an active row without its ledger entry is told")
    func ledgerDeleted() async throws {
        _ = try await folder.store().signIn(try sampleSession())
        try await folder.raw().write { try $0.execute(sql: "DELETE FROM ledger") }
        try await expectRefused()
    }

    @Test("Case 98: a pending revocation whose endpoint was edited does not open")
    func editedRevocation() async throws {
        let store = folder.store()
        _ = try await store.signIn(try sampleSession())
        _ = try await store.signOut(try name())
        try await folder.raw().write { db in
            try db.execute(
                sql: "UPDATE revocation SET revocation_endpoint = 'https://evil.example.org/r'")
        }
        _ = try await store.signIn(try sampleSession())
        _ = try await store.signOut(try name())
        let due = try await store.dueRevocations(at: .now, limit: 8)
        #expect(due.count == 1, "the good one is not held up by the edited one")
        #expect(due.allSatisfy { $0.endpoints.revocation?.host != "evil.example.org" })
        #expect(try await store.pendingRevocationCount() == 2)
    }

    @Test("Case 91: another key under the same name is told as wrong, and nothing is changed")
    func wrongKey() async throws {
        let store = folder.store()
        _ = try await store.signIn(try sampleSession())
        try await folder.raw().write { db in
            try db.execute(sql: "UPDATE sealing_key SET check_value = zeroblob(16)")
        }
        let fresh = folder.store()
        await #expect(throws: StoreError.key(.wrong)) { try await fresh.open(try name()) }
        #expect(try await fresh.keyState() == .fault(.wrong))
    }

    @Test("Case 99: no two seals share a nonce, and none repeats what was sealed")
    func noncesAreUnique() throws {
        let key = try DataKey.random(id: try KeyID(random: ()))
        let sealer = Sealer(key: key)
        let context = SealContext(OpenedSession(try sampleSession(), generation: .zero).record)
        let secret = SecretBytes("canary".utf8)
        var nonces: Set<Data> = []
        let count = 20_000
        for _ in 0..<count {
            let sealed = try #require(try sealer.seal(secret, .access, context))
            nonces.insert(sealed.prefix(12))
        }
        #expect(nonces.count == count)
    }
}
