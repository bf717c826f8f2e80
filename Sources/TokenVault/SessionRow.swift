internal import AuthModels
internal import FoundationEssentials
internal import GRDB

/// One row of `session`, with the ledger's entry for it: what is in clear read, what is sealed not
/// opened.
struct SessionRow: Sendable {
    var record: SessionRecord
    /// The key that the row's secrets are sealed with; nil once they are erased.
    var keyID: KeyID?
    var sealed: Sealed
    var ledger: LedgerEntry?
    /// Of the columns in clear that the ledger covers.
    var digest: [UInt8] { Self.clearColumns(record).digest }

    struct Sealed: Sendable {
        var access: Data?
        var refresh: Data?
        var id: Data?
        var clientSecret: Data?
        var dpopKey: Data?
        var nonce: Data?
    }

    var isActive: Bool { record.phase == .active }

    var context: SealContext { SealContext(record) }

    static func fetch(_ db: Database, _ account: AccountName) throws -> SessionRow? {
        try Row.fetchOne(
            db,
            sql: """
                SELECT session.*, ledger.key_id AS ledger_key_id, ledger.sealed AS ledger_sealed
                FROM session LEFT JOIN ledger USING (account) WHERE account = ?
                """,
            arguments: [account.column]
        ).map(SessionRow.init)
    }

    static func fetchAll(_ db: Database) throws -> [SessionRow] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT session.*, ledger.key_id AS ledger_key_id, ledger.sealed AS ledger_sealed
                FROM session LEFT JOIN ledger USING (account) ORDER BY account
                """
        ).map(SessionRow.init)
    }

    /// What is in clear of all rows. There may be thousands, and a caller of every other method waits
    /// meanwhile: what is sealed is not even copied.
    static func fetchRecords(_ db: Database) throws -> [SessionRecord] {
        let rows = try Row.fetchCursor(db, sql: "SELECT * FROM session ORDER BY account")
        return try Array(
            rows.map { row in
                let account = try ColumnReader(row: row, what: "a session's row").account()
                return try record(ColumnReader(row: row, what: "account \(account)"), account)
            })
    }

    init(_ row: Row) throws {
        let account = try ColumnReader(row: row, what: "a session's row").account()
        let reader = ColumnReader(row: row, what: "account \(account)")
        record = try Self.record(reader, account)
        keyID = try reader.optionalParsed("key_id") { KeyID($0) }
        sealed = Sealed(
            access: try reader.data("sealed_access"), refresh: try reader.data("sealed_refresh"),
            id: try reader.data("sealed_id"),
            clientSecret: try reader.data("sealed_client_secret"),
            dpopKey: try reader.data("sealed_dpop_key"),
            nonce: try reader.data("sealed_nonce"))
        if let bytes = try reader.data("ledger_sealed") {
            ledger = LedgerEntry(keyID: try reader.key("ledger_key_id"), sealed: bytes)
        }
    }

    private static func record(
        _ reader: ColumnReader, _ account: AccountName
    ) throws -> SessionRecord {
        let identity: Identity? = try reader.optionalParsed("subject") { Subject($0) }.map {
            Identity(
                subject: $0, authenticatedAt: try reader.optionalNumber("authenticated_at"),
                authorizedParty: try reader.optionalText("authorized_party"))
        }
        return SessionRecord(
            account: account, id: try reader.parsed("session_id") { SessionID($0) },
            generation: Generation(try reader.number("generation")),
            registration: try reader.registration(), endpoints: try reader.endpoints(),
            identity: identity, grantedScope: try reader.parsed("granted_scope") { Scope($0) },
            expiry: TokenExpiry(
                obtained: try reader.moment("obtained"), lifetime: try reader.duration("lifetime")),
            hasRefreshToken: try reader.number("has_refresh_token") == 1,
            hasIDToken: try reader.number("has_id_token") == 1,
            phase: try phase(reader), mark: try mark(reader))
    }

    private static func phase(_ reader: ColumnReader) throws -> SessionRecord.Phase {
        switch try reader.text("phase") {
        case "active": .active
        case "signedOut": .signedOut
        case "expired":
            .expired(try reader.parsed("expiry_reason") { ExpiryReason(rawValue: $0) })
        default: throw reader.damaged("phase")
        }
    }

    private static func mark(_ reader: ColumnReader) throws -> InFlightMark? {
        guard let generation = try reader.optionalNumber("mark_generation") else { return nil }
        return InFlightMark(
            generation: Generation(generation), started: try reader.moment("mark"),
            lastSent: try reader.moment("sent"), retryAfter: try reader.duration("retry_after"))
    }

    /// What stands in clear and does not change while a generation lives; the ledger covers it. The
    /// mark is left out: it is written without the key.
    static func clearColumns(_ record: SessionRecord) -> Columns {
        var columns = Columns()
        columns.set("account", record.account.column)
        columns.set("session_id", record.id.rawValue)
        columns.set("generation", record.generation.rawValue)
        columns.set(record.registration, record.endpoints)
        columns.set("subject", record.identity?.subject.rawValue)
        columns.set("authenticated_at", record.identity?.authenticatedAt)
        columns.set("authorized_party", record.identity?.authorizedParty)
        columns.set("granted_scope", record.grantedScope.description)
        columns.set(moment: record.expiry.obtained, "obtained")
        columns.set("lifetime", record.expiry.lifetime?.wholeNanoseconds)
        columns.set("has_refresh_token", record.hasRefreshToken)
        columns.set("has_id_token", record.hasIDToken)
        return columns
    }

    /// Writes an active session and its ledger entry in place of the account's earlier row.
    static func write(_ db: Database, _ opened: OpenedSession, sealer: Sealer) throws {
        let record = opened.record
        let context = SealContext(record)
        var columns = clearColumns(record)
        let digest = columns.digest
        columns.set("phase", "active")
        columns.set("key_id", sealer.key.id.rawValue)
        columns.set(
            "sealed_access", try sealer.seal(opened.tokens.access.bytes, .access, context))
        columns.set(
            "sealed_refresh", try sealer.seal(opened.tokens.refresh?.bytes, .refresh, context))
        columns.set("sealed_id", try sealer.seal(opened.tokens.id?.bytes, .id, context))
        columns.set(
            "sealed_client_secret",
            try sealer.seal(opened.clientSecret?.bytes, .clientSecret, context))
        columns.set("sealed_dpop_key", try sealer.seal(opened.dpopKey?.bytes, .dpopKey, context))
        let nonce = record.identity?.nonce.map { SecretBytes($0.utf8) }
        columns.set("sealed_nonce", try sealer.seal(nonce, .nonce, context))
        try columns.insert(db, into: "session", replacing: true)
        try LedgerEntry.write(db, context, digest: digest, sealer: sealer)
    }

    /// Opens every secret and checks the row against the ledger.
    func open(with sealers: (KeyID) -> Sealer?) throws(StoreError) -> OpenedSession {
        guard let keyID, let ledger, let sealer = sealers(keyID),
            let ledgerSealer = sealers(ledger.keyID)
        else {
            throw .corrupt("account \(record.account): the row of a session lacks its seals")
        }
        try ledger.check(context, digest: digest, sealer: ledgerSealer)
        guard
            let access = try sealer.open(sealed.access, .access, context)
                .flatMap({ AccessToken($0.text) }),
            (sealed.refresh != nil) == record.hasRefreshToken,
            (sealed.id != nil) == record.hasIDToken,
            (sealed.dpopKey != nil) == record.registration.usesDPoP
        else {
            throw .corrupt("account \(record.account): a sealed token or key is gone")
        }
        var record = record
        record.identity?.nonce = try sealer.open(sealed.nonce, .nonce, context)?.text
        let tokens = TokenSet(
            access: access,
            refresh: try sealer.open(sealed.refresh, .refresh, context)
                .flatMap { RefreshToken($0.text) },
            id: try sealer.open(sealed.id, .id, context).flatMap { IDToken($0.text) })
        let secret = try sealer.open(sealed.clientSecret, .clientSecret, context)
            .flatMap { ClientSecret($0.text) }
        let dpopKey = try sealer.open(sealed.dpopKey, .dpopKey, context)
        return OpenedSession(
            record: record, tokens: tokens, clientSecret: secret,
            dpopKey: dpopKey.flatMap { DPoPKey($0) })
    }
}

extension SecretBytes {
    /// The text, for the type that checks and wraps it.
    var text: String { withBytes { String(decoding: $0, as: UTF8.self) } }
}
