import AuthModels
import Foundation
import GRDB
import Testing

@testable import TokenVault

@Suite("A new key")
struct RotationTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func keyNames() async throws -> Set<String> {
        try await folder.raw().read { db in
            try String.fetchSet(
                db,
                sql: """
                    SELECT key_id FROM session WHERE key_id IS NOT NULL
                    UNION SELECT key_id FROM ledger UNION SELECT key_id FROM revocation
                    UNION SELECT key_id FROM store UNION SELECT key_id FROM sealing_key
                    """)
        }
    }

    private func fill() async throws {
        let store = folder.store()
        _ = try await store.signIn(try sampleSession("alice", id: "s1", tag: "a"))
        _ = try await store.signIn(try sampleSession("bob", id: "s2", tag: "b"))
        _ = try await store.signIn(try sampleSession("carol", id: "s3", tag: "c"))
        _ = try await store.signOut(try name("carol"))
    }

    private func expectAllOpen() async throws {
        let store = folder.store()
        #expect(try await store.open(try name("alice"))?.tokens == (try sampleTokens("a")))
        #expect(try await store.open(try name("bob"))?.tokens == (try sampleTokens("b")))
        let due = try await store.dueRevocations(at: .now, limit: 9)
        #expect(due.map { $0.token.reveal() } == ["canary-refresh-c"])
        #expect(due.first?.clientSecret == ClientSecret("canary:+%"))
    }

    @Test("Everything that is sealed moves to it, and the old key leaves the keyring")
    func rotates() async throws {
        try await fill()
        let old = try await folder.raw().read { try KeyKeeper.Facts($0) }
        let id = try await folder.store().rotateKey()
        #expect(try await keyNames() == [id.rawValue])
        try await expectAllOpen()
        let vault = SecretServiceVault(promptAllowed: false)
        let gone = try #require(old.current)
        await #expect(throws: StoreError.self) { try await vault.load(gone, of: old.store) }
    }

    @Test(
        "A kill at any point leaves a store that opens, and the next rotation ends the work",
        arguments: ["rotate.beforeCommit", "rotate.inCommit", "rotate.afterCommit"])
    func killed(_ point: String) async throws {
        try await fill()
        let path = folder.data
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [point = point as String, path = path as String] in
            setenv("KSCONNECT_FAILPOINT", point, 1)
            let store = SQLiteSessionStore(
                directory: path, vault: SecretServiceVault(promptAllowed: false))
            _ = try await store.rotateKey()
        }
        try await expectAllOpen()
        let id = try await folder.store().rotateKey()
        #expect(try await keyNames() == [id.rawValue])
        try await expectAllOpen()
    }

    @Test("A store that remembers the old key reads and commits on after another has turned it")
    func concurrentUse() async throws {
        try await fill()
        let user = folder.store()
        let reference = try #require(try await user.open(try name("alice"))).record.reference
        #expect(try await user.markInFlight(reference, at: sampleMoment))
        _ = try await folder.store().rotateKey()
        #expect(try await user.open(try name("bob"))?.tokens == (try sampleTokens("b")))
        let outcome = try await user.commitRefresh(reference, try sampleRefresh("1"))
        #expect(outcome != .superseded)
        let id = try await folder.store().rotateKey()
        #expect(try await user.open(try name("alice"))?.tokens == (try sampleTokens("1")))
        #expect(try await keyNames() == [id.rawValue])
    }

    @Test("A row that was tampered with stays as it is, told as before, and does not stop the rest")
    func tamperedRow() async throws {
        try await fill()
        try await folder.raw().write { db in
            try db.execute(
                sql: "UPDATE session SET api_base = 'https://evil.example.org' WHERE account = ?",
                arguments: [Data("bob".utf8)])
        }
        let store = folder.store()
        _ = try await store.rotateKey()
        #expect(try await store.open(try name("alice"))?.tokens == (try sampleTokens("a")))
        await #expect(throws: StoreError.self) { try await store.open(try name("bob")) }
    }
}
