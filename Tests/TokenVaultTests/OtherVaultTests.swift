import AuthModels
import Foundation
import GRDB
import Synchronization
import Testing

@testable import TokenVault

/// Answers with the passphrases in turn, the last one again and again; nil once there is none.
final class Passphrases: Sendable {
    private let left: Mutex<[String]>
    let asked = Mutex<[PassphraseVault.Purpose]>([])

    init(_ texts: String...) { left = Mutex(texts) }

    /// Cheap, so that other tests are not held up; ``OtherVaultTests/passphrase()`` has the real
    /// cost.
    func vault(
        _ folder: String,
        cost: WrappedKey.Cost = .init(rounds: 1 << 10, blockSize: 8, parallelism: 1)
    ) -> PassphraseVault {
        PassphraseVault(directory: folder, cost: cost) { purpose async throws(StoreError) in
            self.asked.withLock { $0.append(purpose) }
            return self.left.withLock { $0.count > 1 ? $0.removeFirst() : $0.first }
                .map { SecretBytes($0.utf8) }
        }
    }
}

@Suite("The vaults that are chosen explicitly")
struct OtherVaultTests {
    let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        mkdir(credentials, 0o700)
    }

    private var credentials: String { folder.path + "/credentials" }
    private var credential: String { credentials + "/ksconnect.key" }

    private func writeCredential(_ bytes: [UInt8], mode: mode_t = 0o400) throws {
        unlink(credential)
        try Data(bytes).write(to: URL(fileURLWithPath: credential))
        chmod(credential, mode)
    }

    private func store(_ vault: any KeyVault) -> SQLiteSessionStore {
        SQLiteSessionStore(directory: folder.data, vault: vault)
    }

    private func anyVault(_ passphrases: Passphrases, chosen: VaultKind? = nil) -> VaultSet {
        VaultSet(
            chosen: chosen, SecretServiceVault(promptAllowed: false),
            passphrases.vault(folder.data), CredentialVault(directory: credentials))
    }

    private func expect(
        _ fault: KeyFault, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        await #expect(throws: StoreError.key(fault), sourceLocation: sourceLocation) {
            try await body()
        }
    }

    @Test("What is sealed under a passphrase opens with it in another process; it is asked once")
    func passphrase() async throws {
        let first = Passphrases("correct horse")
        let maker = store(first.vault(folder.data, cost: .standard))
        try await maker.prepareForSignIn()
        _ = try await maker.signIn(try sampleSession())
        #expect(first.asked.withLock { $0 } == [.make])
        let second = Passphrases("correct horse")
        let reader = store(second.vault(folder.data))
        #expect(try await reader.open(try name())?.tokens == (try sampleTokens("0")))
        #expect(try await reader.open(try name())?.tokens == (try sampleTokens("0")))
        #expect(second.asked.withLock { $0 } == [.open])
        let state = KeyState.available(provider: "the store, under a passphrase")
        #expect(try await reader.keyState() == state)
        let kept = try await folder.raw().read { db in
            try String.fetchOne(
                db, sql: "SELECT cost || ' ' || block_size || ' ' || parallelism FROM wrapped_key")
        }
        #expect(kept == "131072 8 1")
    }

    @Test("A wrong passphrase is told as that; not even a sign-in replaces the key because of it")
    func wrongPassphrase() async throws {
        _ = try await store(Passphrases("right").vault(folder.data)).signIn(try sampleSession())
        let wrong = store(Passphrases("Right").vault(folder.data))
        await expect(.wrongPassphrase) { _ = try await wrong.open(try name()) }
        await expect(.wrongPassphrase) { try await wrong.prepareForSignIn() }
        #expect(try await wrong.keyState() == .fault(.wrongPassphrase))
        let right = store(Passphrases("right").vault(folder.data))
        #expect(try await right.open(try name())?.tokens == (try sampleTokens("0")))
    }

    @Test("Where nobody is there to ask, or an empty passphrase is given, nothing is made")
    func nobodyToAsk() async throws {
        for passphrases in [Passphrases(), Passphrases("")] {
            let store = store(passphrases.vault(folder.data))
            await expect(.passphraseNeeded) { try await store.prepareForSignIn() }
        }
        let facts = try await folder.raw().read { try KeyKeeper.Facts($0) }
        #expect(facts.current == nil)
    }

    @Test("A wrapped key opens neither in another store, nor under other numbers, nor another name")
    func wrappedKeyIsBound() throws {
        let (one, other) = (try StoreID(random: ()), try StoreID(random: ()))
        let key = try DataKey.random(id: KeyID(random: ()))
        let passphrase = SecretBytes("p".utf8)
        let cheap = WrappedKey.Cost(rounds: 1 << 10, blockSize: 8, parallelism: 1)
        let wrapped = try WrappedKey(key, under: passphrase, of: one, cost: cheap)
        #expect(try wrapped.open(with: passphrase, of: one).checkValue == key.checkValue)
        #expect(throws: StoreError.key(.wrongPassphrase)) {
            try wrapped.open(with: passphrase, of: other)
        }
    }

    @Test(
        "Numbers for scrypt that would take all memory are refused before they are used",
        arguments: ["cost = 1 << 40", "block_size = 100000", "parallelism = 0", "cost = 131071"])
    func unbearableCost(_ edit: String) async throws {
        _ = try await store(Passphrases("p").vault(folder.data)).signIn(try sampleSession())
        try await folder.raw().write { try $0.execute(sql: "UPDATE wrapped_key SET \(edit)") }
        let error = await #expect(throws: StoreError.self) {
            try await store(Passphrases("p").vault(folder.data)).open(try name())
        }
        guard case .corrupt = error else {
            Issue.record("not refused: \(String(describing: error))")
            return
        }
    }

    @Test("A credential is taken as 32 bytes, in base64, in base64url or as a key's line")
    func credentialForms() async throws {
        let secret = (0..<32).map { UInt8($0 * 7 + 3) }
        let id = try made(KeyID("0123456789abcdef"))
        let line = DataKey(id: id, bytes: SecretBytes(secret)).line()
        let base64 = Data(secret).base64EncodedString()
        let forms = [
            secret, Array(base64.utf8), Array((base64 + "\n").utf8), Base64URL.encode(secret),
            line.withBytes { Array($0) } + [0x0A],
        ]
        try writeCredential(secret)
        _ = try await store(CredentialVault(directory: credentials)).signIn(try sampleSession())
        for form in forms {
            try writeCredential(form)
            let store = store(CredentialVault(directory: credentials))
            #expect(try await store.open(try name())?.tokens == (try sampleTokens("0")))
        }
        try writeCredential((0..<32).map { UInt8($0) })
        let other = store(CredentialVault(directory: credentials))
        await expect(.wrong) { _ = try await other.open(try name()) }
    }

    @Test("No credential, a loose one, a link, a FIFO or nonsense is refused, and says why")
    func refusedCredentials() async throws {
        func expectRefused(_ text: String, _ directory: String?) async {
            let store = store(CredentialVault(directory: directory))
            let error = await #expect(throws: StoreError.self) {
                try await store.prepareForSignIn()
            }
            guard case .key(.noCredential(let reason)) = error, reason.contains(text) else {
                Issue.record("\(text): \(String(describing: error))")
                return
            }
            #expect(error?.remedy.contains("systemd-creds encrypt") == true)
        }
        await expectRefused("CREDENTIALS_DIRECTORY is not set", nil)
        await expectRefused("absolute", "credentials")
        await expectRefused("No such file", credentials)
        for mode: mode_t in [0o440, 0o404, 0o420] {
            try writeCredential(Array(repeating: 1, count: 32), mode: mode)
            await expectRefused("open to others", credentials)
        }
        for nonsense in [[], Array("ksconnect1:x:y".utf8), Array(repeating: 65, count: 700)] {
            try writeCredential(nonsense)
            await expectRefused("32", credentials)
        }
        try writeCredential(Array(repeating: 1, count: 32))
        link(credential, folder.path + "/second")
        await expectRefused("hard link", credentials)
        unlink(credential)
        symlink(folder.path + "/second", credential)
        await expectRefused("symbolic link", credentials)
        unlink(credential)
        mkfifo(credential, 0o400)
        await expectRefused("regular file", credentials)
    }

    @Test("Another vault than the one that keeps the key is refused, whichever is meant")
    func noSilentFallback() async throws {
        let passphrases = Passphrases("p")
        _ = try await store(passphrases.vault(folder.data)).signIn(try sampleSession())
        let other = KeyFault.otherVault(kept: "passphrase", chosen: "secret-service")
        for store in [
            folder.store(),
            SQLiteSessionStore(
                directory: folder.data, vaults: anyVault(passphrases, chosen: .secretService)),
        ] {
            await expect(other) { _ = try await store.open(try name()) }
            await expect(other) { try await store.prepareForSignIn() }
            await expect(other) { _ = try await store.rotateKey() }
            #expect(try await store.keyState() == .fault(other))
            #expect(try await store.record(of: try name()) != nil)
        }
        // Where nothing is chosen, the store's own choice holds.
        let store = SQLiteSessionStore(directory: folder.data, vaults: anyVault(passphrases))
        #expect(try await store.vaultKind() == .passphrase)
        #expect(try await store.open(try name())?.tokens == (try sampleTokens("0")))
    }

    @Test("A move takes everything along and leaves no key behind, from each vault to each")
    func moves() async throws {
        try writeCredential(Array(repeating: 9, count: 32))
        let passphrases = Passphrases("old", "new")
        let store = SQLiteSessionStore(directory: folder.data, vaults: anyVault(passphrases))
        _ = try await store.signIn(try sampleSession())
        let first = try await folder.raw().read { try KeyKeeper.Facts($0) }
        var wrapped: [Int] = []
        for kind: VaultKind in [
            .passphrase, .passphrase, .credential, .secretService, .credential, .passphrase,
            .secretService,
        ] {
            let id = try await store.moveKey(to: kind)
            let facts = try await folder.raw().read { try KeyKeeper.Facts($0) }
            #expect(facts.vaults == [id: kind])
            #expect(facts.current == id)
            let reader = SQLiteSessionStore(
                directory: folder.data, vaults: anyVault(Passphrases("new"), chosen: kind))
            if wrapped != [1] || kind != .passphrase {
                #expect(try await store.open(try name())?.tokens == (try sampleTokens("0")))
            }
            if kind != .passphrase || wrapped.count > 0 {
                #expect(try await reader.open(try name())?.tokens == (try sampleTokens("0")))
            }
            wrapped.append(
                try await folder.raw().read {
                    try Int.fetchOne($0, sql: "SELECT count(*) FROM wrapped_key") ?? -1
                })
        }
        #expect(wrapped == [1, 1, 0, 0, 0, 1, 0])
        let vault = SecretServiceVault(promptAllowed: false)
        await #expect(throws: StoreError.self) {
            try await vault.load(try made(first.current), of: first.store)
        }
    }

    @Test(
        "A kill at any point of a move leaves a store that opens, and the next move ends the work",
        arguments: ["rotate.beforeCommit", "rotate.inCommit", "rotate.afterCommit"])
    func killedMove(_ point: String) async throws {
        _ = try await folder.store().signIn(try sampleSession())
        let path = folder.data
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [point = point as String, path = path as String] in
            setenv("KSCONNECT_FAILPOINT", point, 1)
            let store = SQLiteSessionStore(
                directory: path,
                vaults: VaultSet(
                    chosen: nil, SecretServiceVault(promptAllowed: false),
                    Passphrases("first").vault(path)))
            _ = try await store.moveKey(to: .passphrase)
        }
        let isMoved = point == "rotate.afterCommit"
        let store = SQLiteSessionStore(
            directory: folder.data,
            vaults: anyVault(isMoved ? Passphrases("first", "second") : Passphrases("second")))
        #expect(try await store.vaultKind() == (isMoved ? .passphrase : .secretService))
        #expect(try await store.open(try name())?.tokens == (try sampleTokens("0")))
        let id = try await store.moveKey(to: .passphrase)
        let reader = self.store(Passphrases("second").vault(folder.data))
        #expect(try await reader.open(try name())?.tokens == (try sampleTokens("0")))
        let facts = try await folder.raw().read { try KeyKeeper.Facts($0) }
        #expect(facts.vaults == [id: .passphrase])
        let keys = try await folder.raw().read { db in
            try String.fetchAll(db, sql: "SELECT key_id FROM wrapped_key")
        }
        #expect(keys == [id.rawValue])
    }

    @Test("A store of the first version is taken along with its key, by twenty processes at once")
    func migration() async throws {
        _ = try await folder.store().signIn(try sampleSession())
        let raw = try folder.raw()
        try await raw.write { db in
            try db.execute(
                sql: """
                    ALTER TABLE session DROP COLUMN uses_dpop;
                    ALTER TABLE session DROP COLUMN sealed_dpop_key;
                    ALTER TABLE revocation DROP COLUMN uses_dpop;
                    ALTER TABLE sealing_key DROP COLUMN vault;
                    ALTER TABLE store DROP COLUMN next_vault;
                    DROP TABLE wrapped_key;
                    PRAGMA user_version = 1;
                    """)
        }
        #expect(try await columns(of: raw) == (try await columns(of: firstVersion())))
        try raw.close()
        let path = folder.data
        await withTaskGroup { group in
            for _ in 0..<20 {
                group.addTask {
                    await #expect(processExitsWith: .success) { [path = path as String] in
                        let store = SQLiteSessionStore(
                            directory: path, vault: SecretServiceVault(promptAllowed: false))
                        let opened = try await store.open(try name())
                        guard opened?.tokens == (try sampleTokens("0")) else { exit(3) }
                    }
                }
            }
        }
        let now = try await folder.raw().read { db in
            try Int.fetchOne(db, sql: "PRAGMA user_version")
        }
        #expect(now == StoreSchema.version)
        #expect(try await folder.store().vaultKind() == .secretService)
    }

    private func firstVersion() throws -> DatabaseQueue {
        let database = try DatabaseQueue()
        try database.write { try StoreSchema.create($0, id: StoreID(random: ()), version: 1) }
        return database
    }

    private func columns(of database: DatabaseQueue) async throws -> Set<String> {
        try await database.read { db in
            try String.fetchSet(
                db,
                sql: """
                    SELECT m.name || '.' || c.name || ' ' || c.type FROM sqlite_master m
                    JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
                    """)
        }
    }
}
