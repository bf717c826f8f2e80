public import AuthModels
internal import GRDB

public import struct FoundationEssentials.Date

// Refresh tokens that the provider must still be told to forget.
extension SQLiteSessionStore {
    public func dueRevocations(
        at now: Date, limit: Int
    ) async throws(StoreError) -> [PendingRevocation] {
        let first = try await openDue(at: now, limit: limit)
        if first.lost.isEmpty { return first.opened }
        // Another process may just have replaced the key; what is still lost then is put off.
        let second = try await openDue(at: now, limit: limit)
        if !second.lost.isEmpty { try await putOff(second.lost, from: now) }
        return second.opened
    }

    /// Opens what is due. One that does not open must not keep the others from being sent.
    private func openDue(
        at now: Date, limit: Int
    ) async throws(StoreError) -> (opened: [PendingRevocation], lost: [PendingRevocation.ID]) {
        let moment = now.timeIntervalSinceReferenceDate
        let found = try await connection.readIfPresent { db in
            let rows = try Row.fetchAll(
                db,
                sql: "SELECT * FROM revocation WHERE not_before <= ? ORDER BY id LIMIT ?",
                arguments: [moment, limit])
            return (try rows.map(RevocationRow.init), try KeyKeeper.Facts(db))
        }
        guard let (rows, facts) = found, !rows.isEmpty else { return ([], []) }
        var opened: [PendingRevocation] = []
        var lost: [PendingRevocation.ID] = []
        for row in rows {
            do throws(StoreError) {
                opened.append(try row.open(with: try await keys.sealer(row.keyID, facts)))
            } catch {
                switch error {
                case .key(let fault) where fault.isOfOneKey: lost.append(row.id)
                // A row that was damaged or edited never opens; it is put off as one without a key.
                case .corrupt: lost.append(row.id)
                case .key, .unavailable: throw error
                }
            }
        }
        return (opened, lost)
    }

    /// A revocation whose key is gone is looked at once a day, in case its keyring comes back, and
    /// erased after thirty: no refresh token is worth more by then.
    private func putOff(
        _ ids: [PendingRevocation.ID], from now: Date
    ) async throws(StoreError) {
        let tomorrow = now.timeIntervalSinceReferenceDate + 86_400
        _ = try await connection.writeIfPresent { db in
            for id in ids {
                try db.execute(
                    sql: """
                        UPDATE revocation SET attempts = attempts + 1, not_before = ? WHERE id = ?
                        """,
                    arguments: [tomorrow, id.rawValue])
                try db.execute(
                    sql: "DELETE FROM revocation WHERE id = ? AND attempts >= 30",
                    arguments: [id.rawValue])
            }
        }
    }

    public func pendingRevocationCount() async throws(StoreError) -> Int {
        try await connection.readIfPresent { db in
            try Int.fetchOne(db, sql: "SELECT count(*) FROM revocation") ?? 0
        } ?? 0
    }

    public func completeRevocation(_ id: PendingRevocation.ID) async throws(StoreError) {
        _ = try await connection.writeIfPresent { db in
            try db.execute(
                sql: "DELETE FROM revocation WHERE id = ?", arguments: [id.rawValue])
        }
    }

    public func postponeRevocation(
        _ id: PendingRevocation.ID, until: Date
    ) async throws(StoreError) {
        let moment = until.timeIntervalSinceReferenceDate
        _ = try await connection.writeIfPresent { db in
            try db.execute(
                sql: """
                    UPDATE revocation SET attempts = attempts + 1, not_before = ? WHERE id = ?
                    """,
                arguments: [moment, id.rawValue])
        }
    }
}

extension KeyFault {
    /// Whether another key of the same vault may still be had.
    var isOfOneKey: Bool {
        switch self {
        case .missing, .lost, .wrong: true
        case .unavailable, .notAnswering, .locked, .dismissed, .rotating, .refused,
            .passphraseNeeded, .wrongPassphrase, .noCredential, .otherVault, .cancelled:
            false
        }
    }
}
