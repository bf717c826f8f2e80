import AuthModels
import Foundation
import GRDB
import Synchronization
import Testing

@testable import TokenVault

/// What a store that sees many accounts come and go must not keep of each.
@Suite("Many accounts")
struct ManyAccountsTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private var lockFiles: [String] {
        get throws {
            try FileManager.default.contentsOfDirectory(atPath: folder.data + "/locks")
        }
    }

    @Test("A removed account leaves no lock file, unless a refresh holds it")
    func lockFilesGo() async throws {
        let store = folder.store()
        let locks = KernelRefreshLock(directory: folder.data)
        for account in ["alice", "bob"] {
            _ = try await store.signIn(try sampleSession(account))
            try await locks.acquire(try name(account), within: .zero).release()
        }
        #expect(try lockFiles.count == 2)
        try await store.removeAccount(try name("alice"))
        #expect(try lockFiles == [try name("bob").fileName + ".lock"])
        let held = try await locks.acquire(try name("bob"), within: .zero)
        try await store.removeAccount(try name("bob"))
        #expect(try lockFiles.count == 1)
        await #expect(throws: RefreshLockError.busy) {
            try await locks.acquire(try name("bob"), within: .zero)
        }
        held.release()
    }

    @Test("A lock excludes all others also while its file is removed again and again")
    func removalKeepsExclusion() async throws {
        let files = StoreFiles(directory: folder.data)
        try files.createLocksDirectory()
        let path = files.lock(of: try name())
        let count = Count()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    while count.turns.load(ordering: .relaxed) < Count.turnsMax {
                        if let lock = try FileLock.attempt(path) {
                            #expect(count.holders.add(1, ordering: .relaxed).oldValue == 0)
                            count.turns.add(1, ordering: .relaxed)
                            await Task.yield()
                            count.holders.subtract(1, ordering: .relaxed)
                            withExtendedLifetime(lock) {}
                        }
                        await Task.yield()
                    }
                }
                group.addTask {
                    while count.turns.load(ordering: .relaxed) < Count.turnsMax {
                        try FileLock.removeIfFree(path)
                        await Task.yield()
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private final class Count: Sendable {
        static let turnsMax = 3_000
        let holders = Atomic(0)
        let turns = Atomic(0)
    }

    @Test("Floors of removed accounts become one, below which no generation falls")
    func floorsAreFolded() async throws {
        let store = folder.store()
        let highest = try await store.signIn(try sampleSession("alice", id: "s1"))
        _ = try await store.signOut(try name("alice"))
        let again = try await store.signIn(try sampleSession("alice", id: "s2"))
        #expect(again.record.generation == highest.record.generation.next)
        try await store.removeAccount(try name("alice"))
        let count = try await store.connection.write { db in
            for number in 0..<(2 * GenerationFloor.accountsMax) {
                guard let account = AccountName("account \(number)") else { continue }
                try GenerationFloor.raise(db, account, to: Generation(1))
            }
            return try Int.fetchOne(db, sql: "SELECT count(*) FROM generation_floor") ?? 0
        }
        #expect(count <= GenerationFloor.accountsMax)
        for account in ["alice", "account 7", "somebody new"] {
            let session = try await store.signIn(try sampleSession(account, id: "s3"))
            #expect(session.record.generation > again.record.generation)
        }
    }
}
