import AuthModels
import Foundation
import GRDB
import Testing

@testable import TokenVault

/// Each damaged file gets a folder of its own, as another process would find it.
@Suite("A damaged store")
struct DamageTests {
    private func healthy() async throws -> Data {
        let folder = try TestFolder()
        let path = folder.data
        await #expect(processExitsWith: .success) { [path = path as String] in
            let store = SQLiteSessionStore(
                directory: path, vault: SecretServiceVault(promptAllowed: false))
            let reference = try await store.signIn(try sampleSession()).record.reference
            _ = try await store.commitRefresh(reference, try sampleRefresh("1"))
        }
        return try Data(contentsOf: URL(fileURLWithPath: folder.database))
    }

    /// Opens a store that holds the bytes; says what became of it.
    private func open(_ bytes: Data) async throws -> (result: Result<Bool, StoreError>, kept: Bool)
    {
        let folder = try TestFolder()
        mkdir(folder.data, 0o700)
        try bytes.write(to: URL(fileURLWithPath: folder.database))
        chmod(folder.database, 0o600)
        let store = folder.store()
        let result: Result<Bool, StoreError>
        do {
            let opened = try await store.open(try name())
            let isRight = opened?.tokens == (try sampleTokens("1"))
            result = .success(isRight)
        } catch let error as StoreError {
            result = .failure(error)
        }
        let after = try Data(contentsOf: URL(fileURLWithPath: folder.database))
        // Whatever the damage, nothing that a person may then do ends in a crash.
        _ = try? await store.accounts()
        _ = try? await store.currentAccount()
        _ = try? await store.dueRevocations(at: .now, limit: 9)
        _ = try? await store.signOut(try name())
        _ = try? await store.removeAccount(try name())
        return (result, after == bytes)
    }

    private func expectCorrupt(_ bytes: Data, _ comment: Comment) async throws {
        let (result, kept) = try await open(bytes)
        guard case .failure(.corrupt) = result else {
            Issue.record("\(comment): \(result)")
            return
        }
        #expect(kept, comment)
    }

    @Test("Case 97: an empty file, garbage and another program's database are told, and kept")
    func notAStore() async throws {
        try await expectCorrupt(Data(), "empty")
        try await expectCorrupt(Data(repeating: 0x41, count: 8192), "garbage")
        try await expectCorrupt(Data("SQLite format 3\u{0}".utf8), "header alone")
        let folder = try TestFolder()
        let other = try DatabaseQueue(path: folder.path + "/other")
        try await other.write { try $0.execute(sql: "CREATE TABLE t (x)") }
        try other.close()
        try await expectCorrupt(
            try Data(contentsOf: URL(fileURLWithPath: folder.path + "/other")), "foreign")
    }

    @Test("Case 97: a store cut at any 512 bytes is told, and kept")
    func truncated() async throws {
        let whole = try await healthy()
        for length in stride(from: 0, to: whole.count, by: 512) {
            try await expectCorrupt(Data(whole.prefix(length)), "cut to \(length)")
        }
        let (result, _) = try await open(whole)
        #expect(result == .success(true))
    }

    @Test("Case 97: with bits flipped in every page the tokens are the right ones or none")
    func flippedBits() async throws {
        let whole = try await healthy()
        for page in stride(from: 0, to: whole.count, by: 4096) {
            for offset in stride(from: 1, to: 4096, by: 307) {
                var bytes = whole
                bytes[page + offset] ^= UInt8(1 << (offset % 8))
                let (result, kept) = try await open(bytes)
                switch result {
                // A flip in a page that the session does not use.
                case .success(true), .failure(.corrupt): break
                case .failure(.unavailable(.newerSchema)): #expect(page == 0)
                // A flip in a key's name: that key is in no keyring.
                case .failure(.key(.missing)), .failure(.key(.lost)), .failure(.key(.wrong)): break
                default: Issue.record("page \(page) offset \(offset): \(result)")
                }
                #expect(kept, "page \(page) offset \(offset)")
            }
        }
    }

    @Test("Case 97: a store of a later version is told as that, and kept")
    func newerSchema() async throws {
        var bytes = try await healthy()
        bytes[63] = UInt8(StoreSchema.version + 1)
        let (result, kept) = try await open(bytes)
        #expect(result == .failure(.unavailable(.newerSchema)))
        #expect(kept)
    }
}
