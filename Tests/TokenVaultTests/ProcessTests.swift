import AuthModels
import Foundation
import GRDB
import Testing

@testable import TokenVault

/// Children are real processes: each runs the closure in a copy of the test program.
@Suite("Several processes on one store", .serialized)
struct ProcessTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private var integrity: String {
        get throws {
            try folder.raw().read { try String.fetchOne($0, sql: "PRAGMA integrity_check") ?? "" }
        }
    }

    @Test("Case 95: twenty first runs end with one key and one database")
    func twentyFirstRuns() async throws {
        let path = folder.data
        await withTaskGroup { group in
            for number in 0..<20 {
                group.addTask {
                    await #expect(processExitsWith: .success) {
                        [number = number as Int, path = path as String] in
                        let store = SQLiteSessionStore(
                            directory: path, vault: SecretServiceVault(promptAllowed: false))
                        try await store.prepareForSignIn()
                        _ = try await store.signIn(
                            try sampleSession("account \(number)", tag: "\(number)"))
                    }
                }
            }
        }
        let keys = try await folder.raw().read { db in
            try Int.fetchOne(db, sql: "SELECT count(*) FROM sealing_key")
        }
        #expect(keys == 1)
        let store = folder.store()
        for number in 0..<20 {
            let opened = try await store.open(try name("account \(number)"))
            #expect(opened?.tokens == (try sampleTokens("\(number)")))
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.data)
        #expect(names.filter { $0.contains("sqlite") } == ["store.sqlite"])
    }

    @Test("Case 103: of 128 processes that write at once none is told that the store is busy")
    func contention() async throws {
        _ = try await folder.store().signIn(try sampleSession())
        let path = folder.data
        await withTaskGroup { group in
            for number in 0..<128 {
                group.addTask {
                    await #expect(processExitsWith: .success) {
                        [number = number as Int, path = path as String] in
                        let store = SQLiteSessionStore(
                            directory: path, vault: ClosedVault())
                        _ = try await store.record(of: try name())
                        try await store.useAccount(try name("account \(number)"))
                        guard try await store.accounts().count == 1 else { exit(3) }
                    }
                }
            }
        }
        #expect(try integrity == "ok")
    }

    @Test("Case 103: a store that another holds too long is told as busy, after a bounded wait")
    func heldTooLong() async throws {
        let store = folder.store()
        _ = try await store.signIn(try sampleSession())
        let raw = try folder.raw()
        try await raw.writeWithoutTransaction { try $0.execute(sql: "BEGIN IMMEDIATE") }
        await #expect(throws: StoreError.unavailable(.busy)) {
            try await store.useAccount(try name("bob"))
        }
        #expect(try await store.open(try name()) != nil)
        try await raw.writeWithoutTransaction { try $0.execute(sql: "ROLLBACK") }
        try await store.useAccount(try name("bob"))
    }

    @Test("Case 66: killed inside the commit, the next start has the old tokens and the mark")
    func killedInCommit() async throws {
        let path = folder.data
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            setenv("KSCONNECT_FAILPOINT", "refresh.inCommit", 1)
            let store = SQLiteSessionStore(
                directory: path, vault: SecretServiceVault(promptAllowed: false))
            let reference = try await store.signIn(try sampleSession()).record.reference
            guard try await store.markInFlight(reference, at: sampleMoment) else { exit(3) }
            _ = try await store.commitRefresh(reference, try sampleRefresh("1"))
        }
        let opened = try #require(try await folder.store().open(try name()))
        #expect(opened.tokens == (try sampleTokens("0")))
        #expect(opened.record.mark?.generation == opened.record.generation)
        #expect(try integrity == "ok")
        // And the refresh can be done again.
        let outcome = try await folder.store().commitRefresh(
            opened.record.reference, try sampleRefresh("2"))
        #expect(outcome != .superseded)
    }

    @Test("Case 102: killed inside a commit, nothing is left either once the session is gone")
    func noRemnantsAfterKill() async throws {
        let path = folder.data
        let before = folder.store()
        let reference = try await before.signIn(try sampleSession()).record.reference
        let needles = try await folder.raw().read { db in
            try ["sealed_access", "sealed_refresh", "sealed_id"].map {
                try made(Data.fetchOne(db, sql: "SELECT \($0) FROM session"))
            }
        }
        let generation = reference.generation.rawValue
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [path = path as String, generation = generation as Int64] in
            setenv("KSCONNECT_FAILPOINT", "refresh.inCommit", 1)
            let store = SQLiteSessionStore(
                directory: path, vault: SecretServiceVault(promptAllowed: false))
            let reference = SessionReference(
                account: try name(), id: try made(SessionID("s1")),
                generation: Generation(generation))
            _ = try await store.commitRefresh(reference, try sampleRefresh("1"))
        }
        let store = folder.store()
        #expect(try await store.signOut(try name()))
        for revocation in try await store.dueRevocations(at: .now, limit: 9) {
            try await store.completeRevocation(revocation.id)
        }
        for (name, bytes) in try folder.everything() {
            #expect(bytes.range(of: Data("canary".utf8)) == nil, "plain text in \(name)")
            for needle in needles {
                #expect(bytes.range(of: needle.prefix(28)) == nil, "a remnant in \(name)")
            }
        }
    }

    @Test("Case 99: processes forked at the same moment repeat no nonce")
    func noncesOfProcesses() async throws {
        let folder = folder.path
        await withTaskGroup { group in
            for number in 0..<4 {
                group.addTask {
                    await #expect(processExitsWith: .success) {
                        [number = number as Int, folder = folder as String] in
                        let key = try DataKey(
                            id: made(KeyID("0123456789abcdef")),
                            bytes: SecretBytes([UInt8](repeating: 7, count: 32)))
                        let opened = OpenedSession(try sampleSession(), generation: .zero)
                        let context = SealContext(opened.record)
                        var nonces = Data()
                        for _ in 0..<2000 {
                            let sealed = try Sealer(key: key).seal(
                                SecretBytes([1]), .access, context)
                            nonces += try made(sealed).prefix(12)
                        }
                        try nonces.write(to: URL(fileURLWithPath: "\(folder)/nonces-\(number)"))
                    }
                }
            }
        }
        var seen: Set<Data> = []
        for number in 0..<4 {
            let nonces = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/nonces-\(number)"))
            for start in stride(from: 0, to: nonces.count, by: 12) {
                seen.insert(Data(nonces[start..<start + 12]))
            }
        }
        #expect(seen.count == 4 * 2000)
    }

    @Test("Case 68: a file that may not grow is told before the request, and the session stays")
    func cannotGrow() async throws {
        let path = folder.data
        await #expect(processExitsWith: .success) { [path = path as String] in
            signal(SIGXFSZ, SIG_IGN)
            let store = SQLiteSessionStore(
                directory: path, vault: SecretServiceVault(promptAllowed: false))
            let reference = try await store.signIn(try sampleSession()).record.reference
            var info = stat()
            guard stat(path + "/store.sqlite", &info) == 0 else { exit(3) }
            var limit = rlimit(
                rlim_cur: rlim_t(info.st_size) + 8192, rlim_max: rlim_t.max)
            guard setrlimit(__rlimit_resource_t(1), &limit) == 0 else { exit(4) }
            do {
                _ = try await store.markInFlight(reference, at: sampleMoment)
                exit(5)
            } catch StoreError.unavailable(.full) {}
            guard try await store.record(of: try name())?.mark == nil,
                try await store.open(try name()) != nil
            else { exit(6) }
        }
        #expect(try integrity == "ok")
    }

    @Test(
        "Case 68: once the mark is written, the answer is kept although the file may grow no more")
    func roomForTheAnswer() async throws {
        let path = folder.data
        await #expect(processExitsWith: .success) { [path = path as String] in
            signal(SIGXFSZ, SIG_IGN)
            let store = SQLiteSessionStore(
                directory: path, vault: SecretServiceVault(promptAllowed: false))
            let reference = try await store.signIn(try sampleSession()).record.reference
            guard try await store.markInFlight(reference, at: sampleMoment) else { exit(3) }
            var info = stat()
            guard stat(path + "/store.sqlite", &info) == 0 else { exit(4) }
            var limit = rlimit(rlim_cur: rlim_t(info.st_size), rlim_max: rlim_t.max)
            guard setrlimit(__rlimit_resource_t(1), &limit) == 0 else { exit(5) }
            var large = try sampleRefresh("1")
            large.tokens.access = try made(
                AccessToken(String(repeating: "a", count: 60_000)))
            guard case .committed = try await store.commitRefresh(reference, large)
            else { exit(6) }
        }
        let opened = try await folder.store().open(try name())
        #expect(opened?.record.generation == Generation(2))
    }

    @Test("Case 69: the refresh lock goes with a holder that is killed")
    func lockDiesWithHolder() async throws {
        let path = folder.data
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let lock = try await KernelRefreshLock(directory: path).acquire(
                try name(), within: .zero)
            withExtendedLifetime(lock) { _ = kill(getpid(), SIGKILL) }
        }
        try await KernelRefreshLock(directory: path).acquire(try name(), within: .zero).release()
    }

    @Test("The refresh lock excludes another holder of the account, and of that account alone")
    func lockExcludes() async throws {
        let (one, two) = (
            KernelRefreshLock(directory: folder.data), KernelRefreshLock(directory: folder.data)
        )
        let held = try await one.acquire(try name(), within: .zero)
        await #expect(throws: RefreshLockError.busy) {
            try await two.acquire(try name(), within: .milliseconds(30))
        }
        try await two.acquire(try name("../bob/\u{1F511}"), within: .zero).release()
        let waiting = Task { try await two.acquire(try name(), within: .seconds(60)) }
        held.release()
        try await waiting.value.release()
        let again = try await one.acquire(try name(), within: .zero)
        let cancelled = Task { try await two.acquire(try name(), within: .seconds(60)) }
        cancelled.cancel()
        await #expect(throws: RefreshLockError.cancelled) { try await cancelled.value }
        again.release()
    }
}
