internal import AuthModels
internal import FoundationEssentials
internal import GRDB

/// What an active session's row must be, sealed apart from the row, so that an older row put back
/// in its place is told although each of its seals still opens.
///
/// Ending a session needs no key: it deletes the entry. That is sound, because only an active
/// session has one, and an active row without an entry is refused; whoever deletes an entry gets no
/// more than a session that is not signed in, which whoever can write the file can have anyway.
struct LedgerEntry: Sendable {
    var keyID: KeyID
    var sealed: Data

    static func write(
        _ db: Database, _ context: SealContext, digest: [UInt8], sealer: Sealer
    ) throws {
        let plain = SecretBytes(content(context, digest))
        var columns = Columns()
        columns.set("account", context.account.column)
        columns.set("key_id", sealer.key.id.rawValue)
        columns.set("sealed", try sealer.seal(plain, .ledger, place(context)))
        try columns.insert(db, into: "ledger", replacing: true)
    }

    static func delete(_ db: Database, _ account: AccountName) throws {
        try db.execute(sql: "DELETE FROM ledger WHERE account = ?", arguments: [account.column])
    }

    func check(_ context: SealContext, digest: [UInt8], sealer: Sealer) throws(StoreError) {
        let found = try sealer.open(sealed, .ledger, Self.place(context))
        let expected = Self.content(context, digest)
        guard let found, found.withBytes({ $0.elementsEqual(expected) }) else {
            throw .corrupt(
                "account \(context.account): the row is not the one that was written last; "
                    + "it was edited or an older one was put back")
        }
    }

    private static func content(_ context: SealContext, _ digest: [UInt8]) -> [UInt8] {
        var bytes = CanonicalBytes()
        bytes.append(context.sessionID.rawValue)
        bytes.append(context.generation.rawValue)
        bytes.append("active")
        bytes.append(digest)
        return bytes.bytes
    }

    /// The entry belongs to the account; what changes with every session is its content.
    static func place(_ context: SealContext) -> SealContext {
        var place = context
        place.generation = .zero
        place.issuer = ""
        place.client = []
        place.sessionID = SessionID(random: [])
        return place
    }
}
