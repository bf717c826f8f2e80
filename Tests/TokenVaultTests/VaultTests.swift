import AuthModels
import Foundation
import GRDB
import Testing

@testable import TokenVault

@Suite("The Secret Service vault")
struct VaultTests {
    private let vault = SecretServiceVault(promptAllowed: false)

    @Test("A key is made, read back, and missing once deleted")
    func lifeOfAKey() async throws {
        let (store, id) = (try StoreID(random: ()), try KeyID(random: ()))
        let made = try await vault.create(id, of: store)
        let read = try await vault.load(id, of: store)
        #expect(read.checkValue == made.checkValue)
        try await vault.delete(id, of: store)
        try await vault.delete(id, of: store)
        let error = await #expect(throws: StoreError.self) { try await vault.load(id, of: store) }
        guard case .key(.missing(let provider)) = error else {
            Issue.record("not told as missing: \(String(describing: error))")
            return
        }
        #expect(provider.contains("gnome-keyring"))
    }

    @Test("Keys of two data folders do not collide")
    func storesAreApart() async throws {
        let (one, two, id) = (
            try StoreID(random: ()), try StoreID(random: ()), try KeyID(random: ())
        )
        let first = try await vault.create(id, of: one)
        let second = try await vault.create(id, of: two)
        #expect(first.checkValue != second.checkValue)
        #expect(try await vault.load(id, of: one).checkValue == first.checkValue)
    }

    @Test("Case 93: the item is one printable line that names its key")
    func itemFormat() async throws {
        let (store, id) = (try StoreID(random: ()), try KeyID(random: ()))
        _ = try await vault.create(id, of: store)
        let call = KeyringCall(operation: .load, store: store, key: id)
        let reply = await call.run(mayPrompt: false, within: .seconds(8))
        let line = try #require(reply.secret).text
        #expect(line.utf8.allSatisfy { (0x21...0x7E).contains($0) })
        #expect(line.hasPrefix("ksconnect1:\(id.rawValue):"))
        #expect(line.utf8.count == 71)
    }

    @Test("A line that is cut, altered or another key's is no key")
    func badLines() throws {
        let id = try KeyID(random: ())
        let line = try DataKey.random(id: id).line().text
        #expect(DataKey(line: SecretBytes(line.utf8), expecting: id) != nil)
        for bad in [
            "", String(line.dropLast()), line + "\n", line + "AA", "x" + line,
            line.replacing("ksconnect1", with: "ksconnect2"), String(line.dropLast(2)) + "=1",
        ] {
            #expect(DataKey(line: SecretBytes(bad.utf8), expecting: id) == nil, "\(bad.utf8.count)")
        }
        #expect(DataKey(line: SecretBytes(line.utf8), expecting: try KeyID(random: ())) == nil)
    }

    @Test("A key prints as redacted, also when dumped")
    func keysDoNotPrint() throws {
        let key = try DataKey.random(id: try KeyID(random: ()))
        var dumped = ""
        dump(key, to: &dumped)
        let material = String(key.line().text.suffix(43))
        #expect("\(key)" == "<redacted>" && !dumped.contains(material))
    }

    @Test(
        "Case 87: without a bus the answer is quick, nothing is started and nothing is written",
        arguments: ["unset", "socket missing", "runtime missing", "autolaunch"])
    func noBus(_ situation: String) async throws {
        let folder = try TestFolder()
        let path = folder.path
        await #expect(processExitsWith: .success) { [situation, path = path as String] in
            try await NoBus.check(situation, path)
        }
        #expect(FileManager.default.fileExists(atPath: folder.path + "/launched") == false)
    }

    @Test("Case 88: a bus that accepts and never answers is given up at the deadline")
    func muteBus() async throws {
        let folder = try TestFolder()
        let path = folder.path
        await #expect(processExitsWith: .success) { [path = path as String] in
            try await NoBus.checkMute(path)
        }
    }

    @Test("Case 88: all calls together get eight seconds, and get them back after a while")
    func budget() {
        let budget = KeyringBudget()
        let start = ContinuousClock.now
        #expect(budget.left(at: start) == .seconds(8))
        budget.spend(from: start, to: start + .seconds(3))
        budget.spend(from: start + .seconds(3), to: start + .seconds(7))
        #expect(budget.left(at: start + .seconds(7)) == .seconds(1))
        #expect(budget.left(at: start + .seconds(24)) == .seconds(4))
        #expect(budget.left(at: start + .seconds(60)) == .seconds(8))
    }

    @Test("Case 91: a key that is gone is told, and signing in anew makes another key")
    func keyGone() async throws {
        let folder = try TestFolder()
        _ = try await folder.store().signIn(try sampleSession("alice"))
        let facts = try await folder.raw().read { try KeyKeeper.Facts($0) }
        let id = try #require(facts.current)
        try await vault.delete(id, of: facts.store)
        let before = try Data(contentsOf: URL(fileURLWithPath: folder.database))
        let store = folder.store()
        let error = await #expect(throws: StoreError.self) { try await store.open(try name()) }
        guard case .key(.missing) = error else {
            Issue.record("not told as missing: \(String(describing: error))")
            return
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.database)) == before)
        _ = try await store.signIn(try sampleSession("bob", id: "s2"))
        #expect(try await store.open(try name("bob")) != nil)
        let after = try await folder.raw().read { try KeyKeeper.Facts($0) }
        #expect(after.current != id)
        // What the lost key sealed is still there, under its own key's name, and told as lost.
        #expect(try await store.record(of: try name())?.phase == .active)
        let lost = await #expect(throws: StoreError.self) { try await store.open(try name()) }
        guard case .key(.lost) = lost else {
            Issue.record("not told as lost: \(String(describing: lost))")
            return
        }
    }

    @Test("Case 91: a revocation whose key is gone is put off, and does not hold up the others")
    func lostRevocation() async throws {
        let folder = try TestFolder()
        let store = folder.store()
        _ = try await store.signIn(try sampleSession("alice", tag: "lost"))
        _ = try await store.signOut(try name())
        let facts = try await folder.raw().read { try KeyKeeper.Facts($0) }
        try await vault.delete(try #require(facts.current), of: facts.store)
        let anew = folder.store()
        _ = try await anew.signIn(try sampleSession("bob", id: "s2", tag: "bob"))
        _ = try await anew.signOut(try name("bob"))
        let due = try await anew.dueRevocations(at: .now, limit: 9)
        #expect(due.map { $0.token.reveal() } == ["canary-refresh-bob"])
        for revocation in due { try await anew.completeRevocation(revocation.id) }
        #expect(try await anew.dueRevocations(at: .now, limit: 9).isEmpty)
        #expect(try await anew.pendingRevocationCount() == 1)
        var day = Date.now
        for _ in 0..<30 {
            day += 90_000
            #expect(try await anew.dueRevocations(at: day, limit: 9).isEmpty)
        }
        #expect(try await anew.pendingRevocationCount() == 0)
    }

    @Test(
        "Case 89: where the keyring is locked a sign-in makes no key and keeps the old one's name")
    func lockedMakesNoKey() async throws {
        let folder = try TestFolder()
        for fault in [KeyFault.locked, .dismissed, .notAnswering, .unavailable("no bus")] {
            let store = SQLiteSessionStore(
                directory: folder.data, vault: ClosedVault(fault: fault))
            await #expect(throws: StoreError.key(fault)) { try await store.prepareForSignIn() }
        }
        #expect(try await folder.raw().read { try KeyKeeper.Facts($0) }.current == nil)
        _ = try await folder.store().signIn(try sampleSession())
        let facts = try await folder.raw().read { try KeyKeeper.Facts($0) }
        let locked = SQLiteSessionStore(directory: folder.data, vault: ClosedVault())
        await #expect(throws: StoreError.key(.locked)) { try await locked.prepareForSignIn() }
        #expect(try await folder.raw().read { try KeyKeeper.Facts($0) }.current == facts.current)
    }
}

/// What the children of the tests above do.
enum NoBus {
    static func check(_ situation: String, _ path: String) async throws {
        let launcher = path + "/dbus-launch"
        try "#!/bin/sh\ntouch \(path)/launched\n".write(
            toFile: launcher, atomically: true, encoding: .utf8)
        chmod(launcher, 0o755)
        setenv("PATH", path + ":/usr/bin:/bin", 1)
        unsetenv("DBUS_SESSION_BUS_ADDRESS")
        setenv("XDG_RUNTIME_DIR", path, 1)
        switch situation {
        case "socket missing": setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=\(path)/no", 1)
        case "runtime missing": setenv("XDG_RUNTIME_DIR", path + "/no", 1)
        case "autolaunch": setenv("DBUS_SESSION_BUS_ADDRESS", "autolaunch:", 1)
        default: unsetenv("XDG_RUNTIME_DIR")
        }
        let store = SQLiteSessionStore(
            directory: path + "/data", vault: SecretServiceVault(promptAllowed: true))
        let started = ContinuousClock.now
        let error = await #expect(throws: StoreError.self) { try await store.prepareForSignIn() }
        guard case .key(.unavailable) = error else { exit(3) }
        guard ContinuousClock.now - started < .seconds(2) else { exit(4) }
    }

    static func checkMute(_ path: String) async throws {
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let socketPath = path + "/bus"
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socketPath.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, listen(listener, 8) == 0 else { exit(5) }
        setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=\(socketPath)", 1)
        let call = KeyringCall(
            operation: .load, store: try StoreID(random: ()), key: try KeyID(random: ()))
        let reply = await call.run(mayPrompt: false, within: .milliseconds(300))
        guard reply.fault == .notAnswering else { exit(6) }
    }
}
