internal import AuthModels
internal import FoundationEssentials
internal import GRDB

/// One row of `revocation`: a refresh token still sealed as it was, and whom to tell.
struct RevocationRow: Sendable {
    var id: PendingRevocation.ID
    var account: AccountName
    var sessionID: SessionID
    var registration: ClientRegistration
    var endpoints: PinnedEndpoints
    var keyID: KeyID
    var refresh: Data
    var refreshGeneration: Generation
    var clientSecret: Data?
    var secretGeneration: Generation
    var attempts: Int

    init(_ row: Row) throws {
        let reader = ColumnReader(row: row, what: "a pending revocation")
        id = PendingRevocation.ID(try reader.number("id"))
        account = try reader.account()
        sessionID = try reader.parsed("session_id") { SessionID($0) }
        registration = try reader.registration()
        endpoints = try reader.endpoints()
        keyID = try reader.key("key_id")
        guard let refresh = try reader.data("sealed_refresh") else {
            throw reader.damaged("sealed_refresh")
        }
        self.refresh = refresh
        refreshGeneration = Generation(try reader.number("refresh_generation"))
        clientSecret = try reader.data("sealed_client_secret")
        secretGeneration = Generation(try reader.number("secret_generation"))
        attempts = Int(try reader.number("attempts"))
    }

    func context(_ generation: Generation) -> SealContext {
        SealContext(
            account: account, sessionID: sessionID, generation: generation,
            registration: registration, endpoints: endpoints)
    }

    func open(with sealer: Sealer) throws(StoreError) -> PendingRevocation {
        let token = try sealer.open(refresh, .refresh, context(refreshGeneration))
        guard let token = token.flatMap({ RefreshToken($0.text) }) else {
            throw .corrupt("a pending revocation holds no token")
        }
        let secret = try sealer.open(clientSecret, .clientSecret, context(secretGeneration))
        return PendingRevocation(
            id: id, registration: registration,
            clientSecret: secret.flatMap { ClientSecret($0.text) }, endpoints: endpoints,
            token: token, attempts: attempts)
    }

    /// Moves a session's refresh token to the queue as it is sealed, without the key. Nothing is
    /// queued where the provider has no revocation endpoint: nobody could ever send it.
    static func queue(_ db: Database, _ row: SessionRow) throws {
        guard let refresh = row.sealed.refresh, let keyID = row.keyID else { return }
        try insert(
            db, row.record, keyID: keyID, refresh: refresh, secret: row.sealed.clientSecret)
    }

    /// Queues a refresh token that came too late to be kept.
    static func queue(
        _ db: Database, _ token: RefreshToken, of record: SessionRecord, secret: ClientSecret?,
        sealer: Sealer
    ) throws {
        let context = SealContext(record)
        guard let refresh = try sealer.seal(token.bytes, .refresh, context) else { return }
        try insert(
            db, record, keyID: sealer.key.id, refresh: refresh,
            secret: try sealer.seal(secret?.bytes, .clientSecret, context))
    }

    private static func insert(
        _ db: Database, _ record: SessionRecord, keyID: KeyID, refresh: Data, secret: Data?
    ) throws {
        guard record.endpoints.revocation != nil else { return }
        var columns = Columns()
        columns.set("account", record.account.column)
        columns.set("session_id", record.id.rawValue)
        columns.set(record.registration, record.endpoints)
        columns.set("key_id", keyID.rawValue)
        columns.set("refresh_generation", record.generation.rawValue)
        columns.set("sealed_refresh", refresh)
        columns.set("secret_generation", record.generation.rawValue)
        columns.set("sealed_client_secret", secret)
        try columns.insert(db, into: "revocation")
    }
}
