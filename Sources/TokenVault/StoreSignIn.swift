public import AuthModels
internal import Crypto
internal import FoundationEssentials
internal import GRDB

// Signing in, out, and forgetting.
extension SQLiteSessionStore {
    public func prepareForSignIn() async throws(StoreError) {
        _ = try await keys.sealerForSignIn()
        // A write that grows the file, so that a full disk shows before a browser opens.
        try await connection.write { try SpaceReserve.prove($0) }
    }

    public func signIn(_ session: NewSession) async throws(StoreError) -> OpenedSession {
        try await withCurrentSealer { () async throws(StoreError) in
            try await keys.sealerForSignIn(for: .answer)
        } _: { db, sealer in
            let old = try SessionRow.fetch(db, session.account)
            let last = max(
                old?.record.generation ?? .zero, try GenerationFloor.read(db, session.account))
            if let old, old.isActive { try RevocationRow.queue(db, old) }
            let opened = OpenedSession(session, generation: last.next)
            try SessionRow.write(db, opened, sealer: sealer)
            try db.execute(
                sql: "UPDATE store SET current_account = ? WHERE current_account IS NULL",
                arguments: [session.account.column])
            return opened
        }
    }

    public func signOut(_ account: AccountName) async throws(StoreError) -> Bool {
        try await connection.writeIfPresent { db in
            guard let row = try SessionRow.fetch(db, account) else { return false }
            return try Self.signOut(db, row)
        } ?? false
    }

    private static func signOut(_ db: Database, _ row: SessionRow) throws -> Bool {
        if row.isActive { try RevocationRow.queue(db, row) }
        try end(db, row, phase: "signedOut", reason: nil)
        return row.isActive
    }

    public func expire(
        _ reference: SessionReference, reason: ExpiryReason, revoking: Bool
    ) async throws(StoreError) -> Bool {
        await endUnderWay(reference)
        return try await connection.writeIfPresent { db in
            guard let row = try SessionRow.fetch(db, reference.account), row.isActive,
                row.record.reference == reference
            else { return false }
            if revoking { try RevocationRow.queue(db, row) }
            try Self.end(db, row, phase: "expired", reason: reason)
            return true
        } ?? false
    }

    /// Erases what is sealed and the mark, keeps what is in clear.
    private static func end(
        _ db: Database, _ row: SessionRow, phase: String, reason: ExpiryReason?
    ) throws {
        var columns = Columns()
        columns.set("phase", phase)
        columns.set("expiry_reason", reason?.rawValue)
        columns.set("has_refresh_token", false)
        columns.set("has_id_token", false)
        for name in [
            "key_id", "sealed_access", "sealed_refresh", "sealed_id", "sealed_client_secret",
            "sealed_dpop_key", "sealed_nonce",
        ] {
            columns.set(name, nil)
        }
        columns.append(MarkColumns.none)
        try columns.update(db, "session", where: "account = ?", [row.record.account.column])
        try LedgerEntry.delete(db, row.record.account)
    }

    public func removeAccount(_ account: AccountName) async throws(StoreError) {
        _ = try await connection.writeIfPresent { db in
            if let row = try SessionRow.fetch(db, account) {
                if row.isActive { try RevocationRow.queue(db, row) }
                try GenerationFloor.raise(db, account, to: row.record.generation)
            }
            try LedgerEntry.delete(db, account)
            try db.execute(
                sql: "DELETE FROM session WHERE account = ?", arguments: [account.column])
            try db.execute(
                sql: "UPDATE store SET current_account = NULL WHERE current_account = ?",
                arguments: [account.column])
        }
        // A store that sees many accounts come and go must not keep a file of each. One that cannot
        // be removed is a file too many, and no reason to fail.
        try? await connection.run { [files = connection.files] in
            try FileLock.removeIfFree(files.lock(of: account))
        }
    }

    /// One write transaction with the sealer for new values; once more if the key was changed by
    /// another process between finding it and taking the write lock.
    func withCurrentSealer<Value: Sendable>(
        _ find: () async throws(StoreError) -> Sealer,
        _ body: @escaping @Sendable (Database, Sealer) throws -> Value
    ) async throws(StoreError) -> Value {
        for _ in 0..<3 {
            let sealer = try await find()
            let value: Value? = try await connection.write { db in
                let current = try String.fetchOne(db, sql: "SELECT key_id FROM store")
                guard current == sealer.key.id.rawValue else { return nil }
                return try body(db, sealer)
            }
            if let value { return value }
        }
        throw .key(.rotating)
    }
}

extension OpenedSession {
    init(_ session: NewSession, generation: Generation) {
        let record = SessionRecord(
            account: session.account, id: session.id, generation: generation,
            registration: session.registration, endpoints: session.endpoints,
            identity: session.identity, grantedScope: session.grantedScope,
            expiry: session.expiry, hasRefreshToken: session.tokens.refresh != nil,
            hasIDToken: session.tokens.id != nil)
        self.init(
            record: record, tokens: session.tokens, clientSecret: session.clientSecret,
            dpopKey: session.dpopKey)
    }
}

/// Generations of removed accounts. The account is kept as a digest: a name that was removed is not
/// told, and a later sign-in under it still grows the generation.
enum GenerationFloor {
    /// More removed accounts than this are not told apart: the highest generation of them becomes
    /// the floor of all accounts, so that a store that sees many come and go does not grow.
    static let accountsMax = 1_000
    /// The digest under which the floor of all accounts is kept.
    private static let everybody = Data()

    static func read(_ db: Database, _ account: AccountName) throws -> Generation {
        let found = try Int64.fetchOne(
            db,
            sql: "SELECT max(generation) FROM generation_floor WHERE account_digest IN (?, ?)",
            arguments: [digest(account), everybody])
        return Generation(found ?? 0)
    }

    static func raise(_ db: Database, _ account: AccountName, to generation: Generation) throws {
        try db.execute(
            sql: """
                INSERT INTO generation_floor VALUES (?, ?) ON CONFLICT (account_digest)
                DO UPDATE SET generation = max(generation, excluded.generation)
                """,
            arguments: [digest(account), generation.rawValue])
        let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM generation_floor") ?? 0
        if count > accountsMax { try fold(db) }
    }

    private static func fold(_ db: Database) throws {
        let highest = try Int64.fetchOne(db, sql: "SELECT max(generation) FROM generation_floor")
        try db.execute(sql: "DELETE FROM generation_floor")
        try db.execute(
            sql: "INSERT INTO generation_floor VALUES (?, ?)", arguments: [everybody, highest])
    }

    private static func digest(_ account: AccountName) -> Data {
        Data(SHA256.hash(data: Data("ksconnect.account.1:\(account.rawValue)".utf8)))
    }
}
