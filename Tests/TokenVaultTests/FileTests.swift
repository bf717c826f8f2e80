import AuthModels
import Foundation
import GRDB
import Testing

@testable import TokenVault

@Suite("The store's files")
struct FileTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func expectPermission(_ text: String, _ body: () async throws -> Void) async {
        let error = await #expect(throws: StoreError.self) { try await body() }
        guard case .unavailable(.permission(let reason)) = error else {
            Issue.record("not refused as a permission: \(String(describing: error))")
            return
        }
        #expect(reason.contains(text))
    }

    private func openAnew() async throws {
        _ = try await folder.store().record(of: try name())
    }

    @Test(
        "Case 100: under any umask the folder is 0700 and every file 0600",
        arguments: [0o000, 0o022, 0o777])
    func modesUnderUmask(_ mask: Int) async throws {
        let path = folder.data
        await #expect(processExitsWith: .success) { [mask, path = path as String] in
            umask(mode_t(mask))
            let store = SQLiteSessionStore(
                directory: path, vault: SecretServiceVault(promptAllowed: false))
            let reference = try await store.signIn(try sampleSession()).record.reference
            _ = try await store.markInFlight(reference, at: sampleMoment)
            let lock = try await KernelRefreshLock(directory: path).acquire(
                try name(), within: .zero)
            lock.release()
        }
        #expect(try folder.mode("") == 0o700)
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder.data)
        #expect(names.contains("store.sqlite") && names.contains { $0.hasSuffix(".lock") })
        for name in names {
            #expect(try folder.mode("/" + name) == (name == "locks" ? 0o700 : 0o600), "\(name)")
        }
    }

    @Test("Case 100: a folder that others can write to is refused")
    func looseFolder() async throws {
        _ = try await folder.store().signIn(try sampleSession())
        chmod(folder.data, 0o777)
        await expectPermission("written by others") { try await openAnew() }
    }

    @Test("Case 100: a folder that others can read is closed to them if it is the store's alone")
    func readableFolder() async throws {
        _ = try await folder.store().signIn(try sampleSession())
        chmod(folder.data, 0o755)
        _ = try await openAnew()
        #expect(try folder.mode("") == 0o700)
    }

    @Test("Case 100: a readable folder with other files in it is refused and left as it is")
    func sharedFolder() async throws {
        mkdir(folder.data, 0o755)
        chmod(folder.data, 0o755)
        try "mine".write(toFile: folder.data + "/notes", atomically: true, encoding: .utf8)
        await expectPermission("holds other files") {
            _ = try await folder.store().signIn(try sampleSession())
        }
        #expect(try folder.mode("") == 0o755)
    }

    @Test(
        "Case 100: a symbolic link in the place of a file is refused and its target is not touched",
        arguments: ["store.sqlite", "store.sqlite-journal", "store.sqlite-wal", "store.lock"])
    func symbolicLink(_ file: String) async throws {
        _ = try await folder.store().signIn(try sampleSession())
        let target = folder.path + "/target"
        try "untouched".write(toFile: target, atomically: true, encoding: .utf8)
        chmod(target, 0o600)
        unlink(folder.data + "/" + file)
        try FileManager.default.createSymbolicLink(
            atPath: folder.data + "/" + file, withDestinationPath: target)
        if file == "store.lock" { unlink(folder.database) }
        await expectPermission("symbolic link") {
            try await folder.store().useAccount(try name())
        }
        #expect(try String(contentsOfFile: target, encoding: .utf8) == "untouched")
    }

    @Test("Case 100: a folder that is a symbolic link is refused")
    func linkedFolder() async throws {
        _ = try await folder.store().signIn(try sampleSession())
        rename(folder.data, folder.path + "/elsewhere")
        symlink(folder.path + "/elsewhere", folder.data)
        await expectPermission("symbolic link") { try await openAnew() }
    }

    @Test("Case 100: a second name of the database is refused")
    func hardLink() async throws {
        _ = try await folder.store().signIn(try sampleSession())
        link(folder.database, folder.path + "/second")
        await expectPermission("hard link") { try await openAnew() }
    }

    @Test(
        "Case 100: a FIFO in the place of a file is refused without waiting for it",
        arguments: ["store.sqlite", "store.sqlite-journal"])
    func fifo(_ file: String) async throws {
        _ = try await folder.store().signIn(try sampleSession())
        unlink(folder.data + "/" + file)
        mkfifo(folder.data + "/" + file, 0o600)
        await expectPermission("not a regular file") { try await openAnew() }
    }

    @Test("Case 100: a FIFO in the place of the refresh lock is refused without waiting for it")
    func fifoLock() async throws {
        let locks = KernelRefreshLock(directory: folder.data)
        try await locks.acquire(try name(), within: .zero).release()
        let file = folder.data + "/locks/" + (try name().fileName) + ".lock"
        unlink(file)
        mkfifo(file, 0o600)
        let error = await #expect(throws: RefreshLockError.self) {
            try await locks.acquire(try name(), within: .zero)
        }
        guard case .unavailable(.permission) = error else {
            Issue.record("not refused: \(String(describing: error))")
            return
        }
    }

    @Test("Case 100: a database with loose rights is refused")
    func looseFile() async throws {
        _ = try await folder.store().signIn(try sampleSession())
        chmod(folder.database, 0o644)
        await expectPermission("chmod 600") { try await openAnew() }
    }

    @Test("Case 100: a database of another user is refused", .enabled(if: geteuid() == 0))
    func foreignOwner() async throws {
        _ = try await folder.store().signIn(try sampleSession())
        chown(folder.database, 65534, 65534)
        await expectPermission("another user") { try await openAnew() }
    }

    @Test("Case 101: a write-ahead log is unsafe below the versions that mended it")
    func versionGate() throws {
        for text in ["3.7.0", "3.40.1", "3.44.5", "3.45.0", "3.50.6", "3.51.0", "3.51.2"] {
            #expect(try #require(SQLiteVersion(text)).hasSafeWriteAheadLog == false, "\(text)")
        }
        for text in ["3.44.6", "3.44.9", "3.50.7", "3.51.3", "3.52.0", "4.0.0"] {
            #expect(try #require(SQLiteVersion(text)).hasSafeWriteAheadLog, "\(text)")
        }
        #expect(SQLiteVersion("x") == nil)
    }

    @Test("Case 101: a store that was switched to a write-ahead log is refused and left as it is")
    func writeAheadLogRefused() async throws {
        let path = folder.data
        await #expect(processExitsWith: .success) { [path = path as String] in
            let store = SQLiteSessionStore(
                directory: path, vault: SecretServiceVault(promptAllowed: false))
            _ = try await store.signIn(try sampleSession())
        }
        let raw = try folder.raw()
        try await raw.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = WAL") }
        try raw.close()
        let before = try Data(contentsOf: URL(fileURLWithPath: folder.database))
        let error = await #expect(throws: StoreError.self) { try await openAnew() }
        guard case .corrupt(let reason) = error else {
            Issue.record("not refused: \(String(describing: error))")
            return
        }
        #expect(reason.contains("write-ahead log"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.database)) == before)
    }

    @Test("Every connection syncs the folder too, overwrites what it deletes, and uses no log")
    func pragmas() async throws {
        let store = folder.store()
        _ = try await store.signIn(try sampleSession())
        let found = try await store.connection.readIfPresent { db in
            try ["journal_mode", "synchronous", "secure_delete", "temp_store"].map {
                try String.fetchOne(db, sql: "PRAGMA \($0)") ?? ""
            }
        }
        #expect(found == ["delete", "3", "1", "2"])
    }

    @Test(
        "Case 102: after 100 rotations and a sign-out whose revocations are sent, nothing is left")
    func noRemnants() async throws {
        let store = folder.store()
        let columns = "sealed_access, sealed_refresh, sealed_id, sealed_client_secret"
        var needles: [Data] = [Data("canary".utf8)]
        func collect() async throws {
            needles += try await folder.raw().read { db in
                let row = try Row.fetchOne(db, sql: "SELECT \(columns) FROM session")
                return try (row.map { Array($0.databaseValues) } ?? []).map {
                    try made(Data.fromDatabaseValue($0))
                }
            }
        }
        var reference = try await store.signIn(try sampleSession()).record.reference
        try await collect()
        for round in 1...100 {
            _ = try await store.markInFlight(reference, at: sampleMoment)
            _ = try await store.commitRefresh(reference, try sampleRefresh("\(round)"))
            reference.generation = reference.generation.next
            if round % 10 == 0 { try await collect() }
        }
        #expect(needles.count == 1 + 11 * 4)
        let inUse = try folder.everything()
        #expect(
            needles.suffix(4).allSatisfy { needle in
                inUse.contains { $0.bytes.range(of: needle) != nil }
            })
        #expect(try await store.signOut(try name()))
        for revocation in try await store.dueRevocations(at: .now, limit: 9) {
            try await store.completeRevocation(revocation.id)
        }
        for (name, bytes) in try folder.everything() {
            for needle in needles {
                // 16 bytes in a row are enough to tell a remnant of a seal.
                let part = needle.prefix(28).suffix(16)
                #expect(bytes.range(of: part) == nil, "a remnant in \(name)")
            }
        }
    }
}
