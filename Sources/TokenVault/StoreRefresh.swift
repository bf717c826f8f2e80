public import AuthModels
internal import FoundationEssentials
internal import GRDB
internal import Synchronization

// The refresh: mark, then commit or clear.
extension SQLiteSessionStore {
    public func markInFlight(
        _ reference: SessionReference, at moment: Moment
    ) async throws(StoreError) -> Bool {
        try await whileKeysTurn { () async throws(StoreError) in
            try await mark(reference, at: moment)
        }
    }

    private func mark(
        _ reference: SessionReference, at moment: Moment
    ) async throws(StoreError) -> Bool {
        let found = try await connection.readIfPresent { db -> (SessionRow, KeyKeeper.Facts)? in
            guard let row = try SessionRow.fetch(db, reference.account), row.isActive,
                row.record.reference == reference
            else { return nil }
            return (row, try KeyKeeper.Facts(db))
        }
        guard let found, let (row, facts) = found else { return false }
        // Opening proves that the key is at hand; the current key is what the answer needs.
        let opened = try await open(row, facts)
        _ = try await keys.currentSealer()
        // Before the mark: one that stood where nothing was sent would make the next refusal look
        // like a lost answer.
        try await connection.run { [files = connection.files] in
            try SpaceReserve.hold(files, reference.account)
        }
        let isMarked: Bool
        do {
            isMarked = try await writeMark(reference, at: moment)
        } catch {
            await releaseSpace(reference)
            throw error
        }
        guard isMarked else {
            await releaseSpace(reference)
            return false
        }
        keys.keepForAnswer()
        underWay.withLock { $0[reference] = opened }
        return true
    }

    private func writeMark(
        _ reference: SessionReference, at moment: Moment
    ) async throws(StoreError) -> Bool {
        try await connection.write { db in
            guard let row = try SessionRow.fetch(db, reference.account), row.isActive,
                row.record.reference == reference
            else { return false }
            var mark =
                row.record.mark.flatMap { $0.generation == reference.generation ? $0 : nil }
                ?? InFlightMark(
                    generation: reference.generation, started: moment, lastSent: moment)
            mark.lastSent = moment
            mark.retryAfter = nil
            try MarkColumns.of(mark).update(
                db, "session", where: "account = ?", [reference.account.column])
            try SpaceReserve.prove(db)
            return true
        }
    }

    public func clearMark(_ reference: SessionReference) async throws(StoreError) {
        await endUnderWay(reference)
        try await updateMark(reference) { _ in nil }
    }

    public func postponeMark(
        _ reference: SessionReference, retryAfter: Duration
    ) async throws(StoreError) {
        try await updateMark(reference) { mark in
            var mark = mark
            mark.retryAfter = retryAfter
            return mark
        }
    }

    private func updateMark(
        _ reference: SessionReference,
        _ change: @escaping @Sendable (InFlightMark) -> InFlightMark?
    ) async throws(StoreError) {
        _ = try await connection.writeIfPresent { db in
            guard let row = try SessionRow.fetch(db, reference.account), row.isActive,
                row.record.reference == reference, let mark = row.record.mark
            else { return }
            let columns = change(mark).map(MarkColumns.of) ?? MarkColumns.none
            try columns.update(db, "session", where: "account = ?", [reference.account.column])
        }
    }

    public func commitRefresh(
        _ reference: SessionReference, _ refreshed: RefreshedTokens
    ) async throws(StoreError) -> CommitOutcome {
        let started = underWay.withLock { $0[reference] }
        let old = try await openedIfKept(reference.account)
        // The space that was held for this moment is given back just before it is needed.
        await releaseSpace(reference)
        let outcome = try await withCurrentSealer { () async throws(StoreError) in
            try await keys.currentSealer(for: .answer)
        } _: { db, sealer in
            guard let row = try SessionRow.fetch(db, reference.account), row.isActive,
                row.record.reference == reference
            else {
                try Self.queueLate(
                    db, refreshed, reference, started: started, current: old, sealer: sealer)
                return CommitOutcome.superseded
            }
            let source = old?.record.reference == reference ? old : started
            let opened = OpenedSession(row.record, refreshed, keeping: source)
            try SessionRow.write(db, opened, sealer: sealer)
            FailPoint.hit("refresh.inCommit")
            return .committed(opened)
        }
        underWay.withLock { $0[reference] = nil }
        return outcome
    }

    /// No answer is to be kept any more.
    func endUnderWay(_ reference: SessionReference) async {
        underWay.withLock { $0[reference] = nil }
        await releaseSpace(reference)
    }

    private func releaseSpace(_ reference: SessionReference) async {
        // Space that cannot be given back is space that stays held: no reason to fail.
        try? await connection.run { [files = connection.files] in
            SpaceReserve.release(files, reference.account)
        }
    }

    /// The session as it is now, whoever wrote it; nil when nobody is signed in.
    private func openedIfKept(
        _ account: AccountName
    ) async throws(StoreError) -> OpenedSession? {
        do {
            return try await open(account, for: .answer)
        } catch .corrupt {
            // The answer in hand is good, and writing it replaces what is damaged.
            return nil
        }
    }

    /// Queues a token that came too late, unless it is the one in use: a provider that does not
    /// rotate gives every refresh the same token, and revoking it would end the session.
    private static func queueLate(
        _ db: Database, _ refreshed: RefreshedTokens, _ reference: SessionReference,
        started: OpenedSession?, current: OpenedSession?, sealer: Sealer
    ) throws {
        guard let token = refreshed.tokens.refresh, token != current?.tokens.refresh else { return }
        var source = started
        if source == nil, current?.record.id == reference.id { source = current }
        if source == nil, let row = try SessionRow.fetch(db, reference.account) {
            source = OpenedSession(
                record: row.record, tokens: refreshed.tokens, clientSecret: nil)
        }
        guard var record = source?.record else { return }
        record.id = reference.id
        record.generation = reference.generation.next
        try RevocationRow.queue(
            db, token, of: record, secret: source?.clientSecret, sealer: sealer)
    }
}

extension OpenedSession {
    /// The next generation of a session, with the client secret and the key of the one before.
    init(_ record: SessionRecord, _ refreshed: RefreshedTokens, keeping source: OpenedSession?) {
        var record = record
        record.generation = record.generation.next
        record.identity = refreshed.identity
        record.grantedScope = refreshed.grantedScope
        record.expiry = refreshed.expiry
        record.hasRefreshToken = refreshed.tokens.refresh != nil
        record.hasIDToken = refreshed.tokens.id != nil
        record.mark = nil
        self.init(
            record: record, tokens: refreshed.tokens, clientSecret: source?.clientSecret,
            dpopKey: source?.dpopKey)
    }
}

/// The in-flight mark as columns; in clear, since it must be read and cleared without the key.
enum MarkColumns {
    static var none: Columns { columns(nil) }

    static func of(_ mark: InFlightMark) -> Columns { columns(mark) }

    private static func columns(_ mark: InFlightMark?) -> Columns {
        var columns = Columns()
        columns.set("mark_generation", mark?.generation.rawValue)
        columns.set(moment: mark?.started, "mark")
        columns.set(moment: mark?.lastSent, "sent")
        columns.set("retry_after", mark?.retryAfter?.wholeNanoseconds)
        return columns
    }
}
