internal import AuthModels
internal import GRDB

/// The tables. A new version adds a step to ``steps`` and never changes one that was shipped.
enum StoreSchema {
    static let version = 3
    /// "KSCV": tells this store's files from other programs' databases.
    static let applicationID = 0x4B53_4356

    /// A store as it is made: empty, with a name of its own.
    static func create(_ db: Database, id: StoreID, version: Int = version) throws {
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        for step in 1...version { try db.execute(sql: steps[step - 1]) }
        try db.execute(sql: "PRAGMA user_version = \(version)")
        try db.execute(
            sql: "INSERT INTO store (one, store_id) VALUES (1, ?)", arguments: [id.rawValue])
    }

    /// Takes an earlier version's store to this one, in the transaction that the caller holds. Of
    /// several processes the first does it and the others find it done.
    static func migrate(_ db: Database) throws {
        let found = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        guard found >= 1, found < version else { return }
        for step in found..<version { try db.execute(sql: steps[step]) }
        try db.execute(sql: "PRAGMA user_version = \(version)")
    }

    /// Reads the file's header only.
    ///
    /// - Parameter fileSize: asked while the read lock is held, when no commit is under way.
    /// - Returns: whether an earlier version wrote it, so that it must be migrated.
    static func check(_ db: Database, fileSize: () throws -> Int64) throws -> Bool {
        let row = try Row.fetchOne(
            db,
            sql: "SELECT user_version, application_id, page_count * page_size FROM "
                + "pragma_user_version, pragma_application_id, pragma_page_count, pragma_page_size")
        guard let row else { throw StoreError.corrupt("the store's header cannot be read") }
        let found: Int64 = row[0]
        let application: Int64 = row[1]
        let size: Int64 = row[2]
        guard application == applicationID, found >= 1 else {
            throw StoreError.corrupt("the file is not a token store. It is left as it is")
        }
        if found > version { throw StoreError.unavailable(.newerSchema) }
        // SQLite itself takes a last page that was cut for one that ends in zeros.
        guard try fileSize() >= size else {
            throw StoreError.corrupt("the store was cut short. It is left as it is")
        }
        return found < version
    }

    /// What is told of a client and its provider, in both tables that need it.
    private static let clientColumns = """
        issuer TEXT NOT NULL, client_id TEXT NOT NULL, client_auth TEXT NOT NULL,
        asked_scope TEXT NOT NULL, redirect_uri TEXT NOT NULL, api_base TEXT NOT NULL,
        prompt TEXT, authorization_endpoint TEXT NOT NULL, token_endpoint TEXT NOT NULL,
        jwks_endpoint TEXT, userinfo_endpoint TEXT, revocation_endpoint TEXT,
        end_session_endpoint TEXT, id_token_algorithms TEXT NOT NULL
        """

    private static let steps = [
        """
        CREATE TABLE store (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            store_id TEXT NOT NULL,
            -- The key that seals new values; absent until a key was needed.
            key_id TEXT,
            -- A key that was named and is being made, or that the tokens are being moved to.
            next_key_id TEXT,
            current_account BLOB
        ) STRICT;
        CREATE TABLE sealing_key (
            key_id TEXT PRIMARY KEY,
            check_value BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        -- One row for each account: a session, an expired one, or the tombstone of a sign-out.
        CREATE TABLE session (
            -- Bytes, so that names compare and sort as bytes.
            account BLOB PRIMARY KEY,
            session_id TEXT NOT NULL,
            generation INTEGER NOT NULL,
            phase TEXT NOT NULL,
            expiry_reason TEXT,
            \(clientColumns),
            subject TEXT, authenticated_at INTEGER, authorized_party TEXT,
            granted_scope TEXT NOT NULL,
            obtained_wall REAL NOT NULL, obtained_boot INTEGER NOT NULL,
            obtained_boot_id TEXT NOT NULL, lifetime INTEGER,
            has_refresh_token INTEGER NOT NULL, has_id_token INTEGER NOT NULL,
            key_id TEXT,
            sealed_access BLOB, sealed_refresh BLOB, sealed_id BLOB,
            sealed_client_secret BLOB, sealed_nonce BLOB,
            mark_generation INTEGER,
            mark_wall REAL, mark_boot INTEGER, mark_boot_id TEXT,
            sent_wall REAL, sent_boot INTEGER, sent_boot_id TEXT,
            retry_after INTEGER
        ) STRICT;
        -- What the session row of an active session must be, sealed apart from it.
        CREATE TABLE ledger (
            account BLOB PRIMARY KEY,
            key_id TEXT NOT NULL,
            sealed BLOB NOT NULL
        ) STRICT;
        -- Generations of removed accounts, under a digest of their names.
        CREATE TABLE generation_floor (
            account_digest BLOB PRIMARY KEY,
            generation INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE revocation (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            account BLOB NOT NULL,
            session_id TEXT NOT NULL,
            \(clientColumns),
            key_id TEXT NOT NULL,
            refresh_generation INTEGER NOT NULL, sealed_refresh BLOB NOT NULL,
            secret_generation INTEGER NOT NULL, sealed_client_secret BLOB,
            attempts INTEGER NOT NULL DEFAULT 0,
            not_before REAL NOT NULL DEFAULT -1e12
        ) STRICT;
        """,
        """
        -- Which vault keeps a key; until now there was one.
        ALTER TABLE sealing_key ADD COLUMN vault TEXT NOT NULL DEFAULT 'secret-service';
        ALTER TABLE store ADD COLUMN next_vault TEXT NOT NULL DEFAULT 'secret-service';
        -- Keys under a passphrase (scrypt, RFC 7914), each with a salt of its own.
        CREATE TABLE wrapped_key (
            key_id TEXT PRIMARY KEY,
            salt BLOB NOT NULL,
            cost INTEGER NOT NULL, block_size INTEGER NOT NULL, parallelism INTEGER NOT NULL,
            wrapped BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;
        """,
        """
        -- Tokens that are bound to a key of their own (RFC 9449); until now none were. A revocation
        -- needs no proof, and so no key, but says the same of its client.
        ALTER TABLE session ADD COLUMN uses_dpop INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE session ADD COLUMN sealed_dpop_key BLOB;
        ALTER TABLE revocation ADD COLUMN uses_dpop INTEGER NOT NULL DEFAULT 0;
        """,
    ]
}
