public import AuthModels
internal import FoundationEssentials
internal import GRDB
internal import Synchronization

/// Sessions in one SQLite file, tokens sealed under a key that a vault keeps.
///
/// Every write is one transaction that is synced, the folder included, before it returns. The file
/// is opened at the first use; a store that was never written to is not created by reading.
public final class SQLiteSessionStore: SessionStore {
    let connection: StoreConnection
    let keys: KeyKeeper
    /// What refreshes under way were started with: enough to have a late answer's token revoked
    /// when the row has been wiped meanwhile.
    let underWay = Mutex<[SessionReference: OpenedSession]>([:])

    /// - Parameters:
    ///   - directory: the data folder, an absolute path; made 0700 at the first write.
    ///   - vaults: where keys may be kept, and which of them was asked for.
    public init(directory: String, vaults: VaultSet) {
        connection = StoreConnection(directory: directory)
        keys = KeyKeeper(connection: connection, vaults: vaults)
    }

    /// A store whose key is kept in this vault and in no other.
    public convenience init(directory: String, vault: any KeyVault) {
        self.init(directory: directory, vaults: VaultSet(chosen: vault.kind, vault))
    }

    public func record(of account: AccountName) async throws(StoreError) -> SessionRecord? {
        try await row(of: account)?.record
    }

    func row(of account: AccountName) async throws(StoreError) -> SessionRow? {
        try await connection.readIfPresent { try SessionRow.fetch($0, account) } ?? nil
    }

    public func open(_ account: AccountName) async throws(StoreError) -> OpenedSession? {
        try await open(account, for: .any)
    }

    func open(
        _ account: AccountName, for use: KeyKeeper.Use
    ) async throws(StoreError) -> OpenedSession? {
        try await whileKeysTurn { () async throws(StoreError) in
            let found = try await connection.readIfPresent { db in
                let row = try SessionRow.fetch(db, account)
                guard let row, row.isActive else { return nil as (SessionRow, KeyKeeper.Facts)? }
                return (row, try KeyKeeper.Facts(db))
            }
            guard let found, let (row, facts) = found else { return nil }
            return try await open(row, facts, for: use)
        }
    }

    /// Tries once more when a key is not found, since another process may just have replaced it:
    /// between reading a row and asking for its key the row may have been sealed anew.
    func whileKeysTurn<Value>(
        _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        do {
            return try await body()
        } catch .key(let fault) where fault.isOfOneKey {
            return try await body()
        }
    }

    func open(
        _ row: SessionRow, _ facts: KeyKeeper.Facts, for use: KeyKeeper.Use = .any
    ) async throws(StoreError) -> OpenedSession {
        var sealers: [KeyID: Sealer] = [:]
        for id in [row.keyID, row.ledger?.keyID] {
            guard let id, sealers[id] == nil else { continue }
            do {
                sealers[id] = try await keys.sealer(id, facts, for: use)
            } catch .key(.missing(let provider)) where id != facts.current {
                throw .key(.lost(provider))
            }
        }
        return try row.open { sealers[$0] }
    }

    public func accounts() async throws(StoreError) -> [SessionRecord] {
        try await connection.readIfPresent(SessionRow.fetchRecords) ?? []
    }

    public func currentAccount() async throws(StoreError) -> AccountName? {
        let name = try await connection.readIfPresent { db -> AccountName? in
            let sql = "SELECT current_account FROM store"
            guard let bytes = try Data.fetchOne(db, sql: sql) else { return nil }
            guard let text = String(validating: bytes, as: UTF8.self),
                let name = AccountName(text)
            else { throw StoreError.corrupt("the name of the current account cannot be read") }
            return name
        }
        return name ?? nil
    }

    public func useAccount(_ account: AccountName) async throws(StoreError) {
        try await connection.write { db in
            try db.execute(
                sql: "UPDATE store SET current_account = ?", arguments: [account.column])
        }
    }

    /// The state of the key, without a prompt; for `vault status` and `doctor`.
    public func keyState() async throws(StoreError) -> KeyState {
        try await keys.state()
    }
}
