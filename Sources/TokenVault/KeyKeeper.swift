internal import AuthModels
internal import FoundationEssentials
internal import GRDB
internal import Synchronization

/// Finds, makes and remembers the keys of one database.
///
/// A key is remembered for a short while only: a keyring that was locked meanwhile should be
/// noticed before the next request is sent, and a key that lies in memory all day is worth more to
/// a thief than the time saved. A refresh under way keeps the key it was begun with until its
/// answer is written, whatever becomes of the keyring in between.
final class KeyKeeper: Sendable {
    private struct Kept {
        var key: DataKey
        var freshUntil: ContinuousClock.Instant
        var keptUntil: ContinuousClock.Instant
    }

    enum Use {
        case any
        /// The answer of a request that was sent with the key at hand. What was received must be
        /// kept, so it does not end with its task.
        case answer
        /// To take it elsewhere, whatever vault the settings name.
        case move
    }

    private let connection: StoreConnection
    private let vaults: VaultSet
    private let kept = Mutex<[KeyID: Kept]>([:])

    private static let freshFor: Duration = .seconds(60)
    /// Longer than a refresh takes with its repeat.
    private static let keptForAnswer: Duration = .seconds(180)

    init(connection: StoreConnection, vaults: VaultSet) {
        self.connection = connection
        self.vaults = vaults
    }

    /// What the database says of its keys.
    struct Facts: Sendable {
        var store: StoreID
        var current: KeyID?
        var next: KeyID?
        var nextVault: VaultKind
        var checkValues: [KeyID: [UInt8]]
        /// Who keeps each key.
        var vaults: [KeyID: VaultKind]

        init(_ db: Database) throws {
            guard let row = try Row.fetchOne(db, sql: "SELECT * FROM store") else {
                throw StoreError.corrupt("the store has lost its own name")
            }
            let reader = ColumnReader(row: row, what: "the store")
            store = try reader.parsed("store_id") { StoreID($0) }
            current = try reader.optionalParsed("key_id") { KeyID($0) }
            next = try reader.optionalParsed("next_key_id") { KeyID($0) }
            nextVault = try reader.parsed("next_vault") { VaultKind(rawValue: $0) }
            checkValues = [:]
            vaults = [:]
            for row in try Row.fetchAll(db, sql: "SELECT * FROM sealing_key") {
                let reader = ColumnReader(row: row, what: "a key's row")
                let id = try reader.key("key_id")
                checkValues[id] = try reader.data("check_value").map(Array.init)
                vaults[id] = try reader.parsed("vault") { VaultKind(rawValue: $0) }
            }
        }

        /// Who keeps the current key; nil before one was made.
        var keptBy: VaultKind? { current.flatMap { vaults[$0] } }
    }

    /// The sealer for values sealed with a key that the facts name.
    func sealer(
        _ id: KeyID, _ facts: Facts, for use: Use = .any
    ) async throws(StoreError) -> Sealer {
        if use != .move { try checkChoice(facts) }
        let now = ContinuousClock.now
        let remembered = kept.withLock { kept -> DataKey? in
            kept = kept.filter { $0.value.keptUntil > now }
            guard let entry = kept[id], use == .answer || entry.freshUntil > now else { return nil }
            return entry.key
        }
        if let remembered { return Sealer(key: remembered) }
        let vault = try vaults.vault(facts.vaults[id] ?? facts.keptBy ?? newKeysVault(facts))
        let key = try await load(id, of: facts.store, from: vault, for: use)
        guard facts.checkValues[id].map({ $0 == key.checkValue }) ?? false else {
            throw .key(.wrong)
        }
        remember(key)
        return Sealer(key: key)
    }

    private func load(
        _ id: KeyID, of store: StoreID, from vault: any KeyVault, for use: Use
    ) async throws(StoreError) -> DataKey {
        guard use == .answer else { return try await vault.load(id, of: store) }
        // A task of its own is not cancelled with this one.
        let loading = Task { () async -> Result<DataKey, StoreError> in
            do throws(StoreError) {
                return .success(try await vault.load(id, of: store))
            } catch {
                return .failure(error)
            }
        }
        return try await loading.value.get()
    }

    /// Settings that name another vault than the one that keeps the key are a mistake, and nothing
    /// falls back from one to the other.
    private func checkChoice(_ facts: Facts) throws(StoreError) {
        guard let kept = facts.keptBy, let chosen = vaults.chosen, chosen != kept else { return }
        throw .key(.otherVault(kept: kept.rawValue, chosen: chosen.rawValue))
    }

    /// Where the next key belongs: where the current one is, or for a first one where it was chosen
    /// to be.
    private func newKeysVault(_ facts: Facts) -> VaultKind {
        facts.keptBy ?? vaults.chosen ?? .secretService
    }

    /// Who keeps the current key, or would keep the first one; works without it.
    func keptBy() async throws(StoreError) -> VaultKind {
        try await connection.readIfPresent(Facts.init)?.keptBy ?? vaults.chosen ?? .secretService
    }

    /// Before a key is moved to the vault that keeps it already.
    func startAnew(_ kind: VaultKind) async throws(StoreError) {
        try await vaults.vault(kind).startAnew()
    }

    /// The sealer for new values; makes no key.
    func currentSealer(for use: Use = .any) async throws(StoreError) -> Sealer {
        guard let facts = try await connection.readIfPresent(Facts.init), let id = facts.current
        else { throw .key(.missing("no key was ever made for this store")) }
        return try await sealer(id, facts, for: use)
    }

    func remember(_ key: DataKey) {
        let until = ContinuousClock.now + Self.freshFor
        kept.withLock { $0[key.id] = Kept(key: key, freshUntil: until, keptUntil: until) }
    }

    /// Keeps what is at hand until an answer can have come.
    func keepForAnswer() {
        let until = ContinuousClock.now + Self.keptForAnswer
        kept.withLock { kept in
            for id in kept.keys { kept[id]?.keptUntil = until }
        }
    }

    /// The sealer for a sign-in: the current key, or a new one where none was ever made.
    ///
    /// A key that is truly gone (the vault is open and does not have it, or has another in its
    /// place; locked is told apart) is replaced too, since signing in is the person's explicit act.
    /// What the lost key sealed stays as it is under its own key's name, and opens again should
    /// that key come back.
    func sealerForSignIn(for use: Use = .any) async throws(StoreError) -> Sealer {
        let facts = try await connection.write(Facts.init)
        if let id = facts.current {
            do {
                return try await sealer(id, facts, for: use)
            } catch .key(let fault) where fault.isOfOneKey {
                return try await make(replacing: id)
            }
        }
        return try await make(replacing: nil)
    }

    /// Makes a key under the creation lock, so that of many first runs one makes it and the others
    /// find it. Its name is written down before it is made: a kill in between leaves a name whose
    /// key is looked up, or made, by the next.
    private func make(replacing old: KeyID?) async throws(StoreError) -> Sealer {
        let lock = try await lockCreation()
        defer { withExtendedLifetime(lock) {} }
        let facts = try await connection.write(Facts.init)
        if let id = facts.current, id != old { return try await sealer(id, facts) }
        let kind = newKeysVault(facts)
        let key = try await makeNext(facts, in: kind)
        try await connection.write { try Self.makeCurrent($0, key, keptBy: kind) }
        remember(key)
        return Sealer(key: key)
    }

    /// A key that is kept in the vault and was read back, but seals nothing yet. The creation lock
    /// must be held.
    ///
    /// - Parameters:
    ///   - kind: where it shall be.
    ///   - isMove: what an interrupted attempt left is not used then, since it may be under another
    ///     passphrase than the one that will be given.
    func makeNext(
        _ facts: Facts, in kind: VaultKind, isMove: Bool = false
    ) async throws(StoreError) -> DataKey {
        let vault = try vaults.vault(kind)
        let id = try await plannedName(facts, in: kind, anew: isMove)
        do {
            return try await vault.load(id, of: facts.store)
        } catch .key(.missing) {
            return try await vault.create(id, of: facts.store)
        } catch .key(.wrongPassphrase) {
            // It was made in an attempt that was interrupted, and seals nothing.
            try await vault.delete(id, of: facts.store)
            return try await vault.create(id, of: facts.store)
        }
    }

    /// From here on new values are sealed with this key.
    static func makeCurrent(_ db: Database, _ key: DataKey, keptBy kind: VaultKind) throws {
        var columns = Columns()
        columns.set("key_id", key.id.rawValue)
        columns.set("check_value", Data(key.checkValue))
        columns.set("vault", kind.rawValue)
        try columns.insert(db, into: "sealing_key", replacing: true)
        try db.execute(
            sql: "UPDATE store SET key_id = ?, next_key_id = NULL", arguments: [key.id.rawValue])
    }

    /// Removes a key that seals nothing any more from the vault and then from the database; a kill
    /// in between leaves a name that the next rotation removes.
    func forget(
        _ id: KeyID, of store: StoreID, keptBy kind: VaultKind
    ) async throws(StoreError) {
        kept.withLock { $0[id] = nil }
        try await vaults.vault(kind).delete(id, of: store)
        try await connection.write { db in
            try db.execute(
                sql: "DELETE FROM sealing_key WHERE key_id = ?", arguments: [id.rawValue])
        }
    }

    /// The name of the key being made: the one written down, or a new one that is written down now.
    private func plannedName(
        _ facts: Facts, in kind: VaultKind, anew: Bool
    ) async throws(StoreError) -> KeyID {
        if let next = facts.next, facts.checkValues[next] == nil {
            if facts.nextVault == kind, !anew { return next }
            // An attempt that was given up: no key of it should stay behind. A
            // vault that cannot be reached keeps one that seals nothing.
            try? await vaults.vault(facts.nextVault).delete(next, of: facts.store)
        }
        let id = try KeyID(random: ())
        try await connection.write { db in
            try db.execute(
                sql: "UPDATE store SET next_key_id = ?, next_vault = ?",
                arguments: [id.rawValue, kind.rawValue])
        }
        return id
    }

    func lockCreation() async throws(StoreError) -> FileLock {
        try await connection.run { [files = connection.files] in try files.createDirectory() }
        let lock: FileLock?
        do {
            lock = try await FileLock.acquire(
                connection.files.creationLock, within: StoreConnection.busyLimit
            ) { pause in
                try await Task.sleep(for: pause)
            }
        } catch is CancellationError {
            throw .key(.cancelled)
        } catch {
            throw StoreError(mapping: error)
        }
        guard let lock else { throw .key(.rotating) }
        return lock
    }

    /// The state of the current key, without a prompt and without making one.
    func state() async throws(StoreError) -> KeyState {
        let facts = try await connection.readIfPresent(Facts.init)
        let provider: String
        do throws(StoreError) {
            if let facts { try checkChoice(facts) }
            let kind = facts?.keptBy ?? vaults.chosen ?? .secretService
            switch try await vaults.vault(kind).state() {
            case .available(let name): provider = name
            case .fault(let fault): return .fault(fault)
            }
        } catch {
            guard case .key(let fault) = error else { throw error }
            return .fault(fault)
        }
        guard let facts, let id = facts.current else { return .notMade(provider: provider) }
        kept.withLock { $0[id] = nil }
        do {
            _ = try await sealer(id, facts)
            return .available(provider: provider)
        } catch .key(let fault) {
            return .fault(fault)
        }
    }
}
