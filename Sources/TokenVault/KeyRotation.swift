public import AuthModels
internal import FoundationEssentials
internal import GRDB

// A new key for everything that is sealed.
extension SQLiteSessionStore {
    /// Makes a new key and seals every value anew with it, in one transaction.
    ///
    /// The old key stays in the vault until that transaction is durable, and every row names its
    /// own key, so a kill at any point leaves a store that opens. A row that does not open (its key
    /// is gone, or it was tampered with) stays as it is, and so does its key.
    ///
    /// - Returns: the name of the new key.
    /// - Throws: ``KeyFault/rotating`` when another process is at it.
    public func rotateKey() async throws(StoreError) -> KeyID {
        try await turnKey(to: nil)
    }

    /// As ``rotateKey()``, with the new key in another vault; the old one leaves its vault at the
    /// end. A key is never carried from one vault to another, since who could read it there still
    /// could.
    ///
    /// From then on the store's choice is this vault. Moving to the same vault makes a new key
    /// there too, under a new passphrase where it has one.
    public func moveKey(to kind: VaultKind) async throws(StoreError) -> KeyID {
        try await turnKey(to: kind)
    }

    /// Which vault keeps the key, or will keep the first one; works without the key.
    public func vaultKind() async throws(StoreError) -> VaultKind {
        try await keys.keptBy()
    }

    private func turnKey(to target: VaultKind?) async throws(StoreError) -> KeyID {
        // Making the database takes the same lock, so it is made before.
        _ = try await connection.write(KeyKeeper.Facts.init)
        let lock = try await keys.lockCreation()
        defer { withExtendedLifetime(lock) {} }
        let facts = try await connection.write(KeyKeeper.Facts.init)
        let sealers = try await sealersAtHand(facts, for: target == nil ? .any : .move)
        if let target, target == facts.keptBy { try await keys.startAnew(target) }
        let kind: VaultKind
        if let target { kind = target } else { kind = try await keys.keptBy() }
        let next = Sealer(
            key: try await keys.makeNext(facts, in: kind, isMove: target != nil))
        FailPoint.hit("rotate.beforeCommit")
        try await connection.write { db in
            try Self.resealSessions(db, from: sealers, to: next)
            try Self.resealRevocations(db, from: sealers, to: next)
            try KeyKeeper.makeCurrent(db, next.key, keptBy: kind)
            FailPoint.hit("rotate.inCommit")
        }
        FailPoint.hit("rotate.afterCommit")
        keys.remember(next.key)
        try await forgetUnused()
        return next.key.id
    }

    /// The current key must be at hand; of others, those that are.
    private func sealersAtHand(
        _ facts: KeyKeeper.Facts, for use: KeyKeeper.Use
    ) async throws(StoreError) -> [KeyID: Sealer] {
        var sealers: [KeyID: Sealer] = [:]
        for id in facts.checkValues.keys {
            do throws(StoreError) {
                sealers[id] = try await keys.sealer(id, facts, for: use)
            } catch {
                guard id != facts.current, case .key(let fault) = error, fault.isOfOneKey
                else { throw error }
            }
        }
        return sealers
    }

    private static func resealSessions(
        _ db: Database, from sealers: [KeyID: Sealer], to next: Sealer
    ) throws {
        for row in try SessionRow.fetchAll(db) {
            let account = row.record.account.column
            if let old = row.keyID.flatMap({ sealers[$0] }),
                let columns = try row.resealed(from: old, to: next)
            {
                try columns.update(db, "session", where: "account = ?", [account])
            }
            if let entry = row.ledger, let old = sealers[entry.keyID],
                let columns = try entry.resealed(row.context, from: old, to: next)
            {
                try columns.update(db, "ledger", where: "account = ?", [account])
            }
        }
    }

    private static func resealRevocations(
        _ db: Database, from sealers: [KeyID: Sealer], to next: Sealer
    ) throws {
        for row in try Row.fetchAll(db, sql: "SELECT * FROM revocation").map(RevocationRow.init) {
            if let old = sealers[row.keyID], let columns = try row.resealed(from: old, to: next) {
                try columns.update(db, "revocation", where: "id = ?", [row.id.rawValue])
            }
        }
    }

    private func forgetUnused() async throws(StoreError) {
        let facts = try await connection.readIfPresent(KeyKeeper.Facts.init)
        let used = try await connection.readIfPresent { db in
            try String.fetchSet(
                db,
                sql: """
                    SELECT key_id FROM session WHERE key_id IS NOT NULL
                    UNION SELECT key_id FROM ledger UNION SELECT key_id FROM revocation
                    UNION SELECT key_id FROM store WHERE key_id IS NOT NULL
                    """)
        }
        guard let facts, let used else { return }
        for (id, kind) in facts.vaults where !used.contains(id.rawValue) {
            try await keys.forget(id, of: facts.store, keptBy: kind)
        }
    }
}

extension SessionRow {
    /// The sealed columns under another key; nil when one does not open.
    fileprivate func resealed(
        from old: Sealer, to next: Sealer
    ) throws(StoreError) -> Columns? {
        try Resealing(old: old, next: next).columns([
            ("sealed_access", sealed.access, .access, context),
            ("sealed_refresh", sealed.refresh, .refresh, context),
            ("sealed_id", sealed.id, .id, context),
            ("sealed_client_secret", sealed.clientSecret, .clientSecret, context),
            ("sealed_dpop_key", sealed.dpopKey, .dpopKey, context),
            ("sealed_nonce", sealed.nonce, .nonce, context),
        ])
    }
}

extension LedgerEntry {
    /// The entry under another key, whatever it says; nil when it does not open.
    fileprivate func resealed(
        _ context: SealContext, from old: Sealer, to next: Sealer
    ) throws(StoreError) -> Columns? {
        try Resealing(old: old, next: next).columns([
            ("sealed", sealed, .ledger, Self.place(context))
        ])
    }
}

extension RevocationRow {
    /// The sealed columns under another key; nil when one does not open.
    fileprivate func resealed(
        from old: Sealer, to next: Sealer
    ) throws(StoreError) -> Columns? {
        try Resealing(old: old, next: next).columns([
            ("sealed_refresh", refresh, .refresh, context(refreshGeneration)),
            ("sealed_client_secret", clientSecret, .clientSecret, context(secretGeneration)),
        ])
    }
}

/// One row's way from key to key.
private struct Resealing {
    var old: Sealer
    var next: Sealer

    func columns(
        _ values: [(String, Data?, SealContext.Field, SealContext)]
    ) throws(StoreError) -> Columns? {
        var columns = Columns()
        columns.set("key_id", next.key.id.rawValue)
        do {
            for (column, sealed, field, context) in values {
                let plain = try old.open(sealed, field, context)
                columns.set(column, try next.seal(plain, field, context))
            }
        } catch {
            if case .corrupt = error { return nil }
            throw error
        }
        return columns
    }
}
