import AuthModels
import FoundationEssentials
import Testing

/// The contract of ``SessionStore`` in memory: every compare-and-swap is real, a generation that
/// falls or a mark out of place is a failed test. Faults are given per method.
actor MemorySessionStore: SessionStore {
    enum Method: Hashable, Sendable {
        case record, open, prepareForSignIn, signIn, markInFlight, clearMark, postponeMark
        case commitRefresh, expire, signOut, dueRevocations
    }

    private struct Row {
        var record: SessionRecord
        var tokens: TokenSet?
        var clientSecret: ClientSecret?
        var dpopKey: DPoPKey?
    }

    private struct Waiting {
        var revocation: PendingRevocation
        var due: Date
    }

    private var rows: [AccountName: Row] = [:]
    private var revocations: [Waiting] = []
    private var lastRevocation: Int64 = 0
    private var faults: [Method: [StoreError]] = [:]
    private(set) var calls: [Method: Int] = [:]
    private(set) var current: AccountName?

    /// The next calls of the method fail so, in this order.
    func fail(_ method: Method, _ errors: StoreError...) {
        faults[method, default: []] += errors
    }

    func tokens(of account: AccountName = .default) -> TokenSet? { rows[account]?.tokens }

    func dpopKey() -> DPoPKey? { rows[.default]?.dpopKey }

    func dueDates() -> [Date] { revocations.map(\.due) }

    private func begin(_ method: Method) throws(StoreError) {
        calls[method, default: 0] += 1
        guard var list = faults[method], !list.isEmpty else { return }
        let error = list.removeFirst()
        faults[method] = list
        throw error
    }

    private func active(_ reference: SessionReference) -> Row? {
        guard let row = rows[reference.account], row.record.phase == .active,
            row.record.reference == reference
        else { return nil }
        return row
    }

    private func write(_ row: Row) {
        let old = rows[row.record.account]?.record.generation ?? .zero
        #expect(row.record.generation >= old, "a generation never falls")
        rows[row.record.account] = row
    }

    private func queue(_ token: RefreshToken?, of row: Row) {
        guard let token, row.record.endpoints.revocation != nil else { return }
        lastRevocation += 1
        revocations.append(
            Waiting(
                revocation: PendingRevocation(
                    id: .init(lastRevocation), registration: row.record.registration,
                    clientSecret: row.clientSecret, endpoints: row.record.endpoints, token: token,
                    attempts: 0),
                due: .distantPast))
    }

    // MARK: Session

    func record(of account: AccountName) async throws(StoreError) -> SessionRecord? {
        try begin(.record)
        return rows[account]?.record
    }

    func open(_ account: AccountName) async throws(StoreError) -> OpenedSession? {
        try begin(.open)
        guard let row = rows[account], row.record.phase == .active, let tokens = row.tokens else {
            return nil
        }
        return OpenedSession(
            record: row.record, tokens: tokens, clientSecret: row.clientSecret,
            dpopKey: row.dpopKey)
    }

    func prepareForSignIn() async throws(StoreError) { try begin(.prepareForSignIn) }

    func signIn(_ session: NewSession) async throws(StoreError) -> OpenedSession {
        try begin(.signIn)
        let old = rows[session.account]
        if let old { queue(old.tokens?.refresh, of: old) }
        let record = SessionRecord(
            account: session.account, id: session.id,
            generation: (old?.record.generation ?? .zero).next,
            registration: session.registration, endpoints: session.endpoints,
            identity: session.identity, grantedScope: session.grantedScope,
            expiry: session.expiry, hasRefreshToken: session.tokens.refresh != nil,
            hasIDToken: session.tokens.id != nil)
        write(
            Row(
                record: record, tokens: session.tokens, clientSecret: session.clientSecret,
                dpopKey: session.dpopKey))
        current = current ?? session.account
        return OpenedSession(
            record: record, tokens: session.tokens, clientSecret: session.clientSecret,
            dpopKey: session.dpopKey)
    }

    // MARK: Refresh

    func markInFlight(
        _ reference: SessionReference, at moment: Moment
    ) async throws(StoreError) -> Bool {
        try begin(.markInFlight)
        guard var row = active(reference) else { return false }
        let standing = row.record.mark.flatMap {
            $0.generation == reference.generation ? $0 : nil
        }
        row.record.mark = InFlightMark(
            generation: reference.generation, started: standing?.started ?? moment,
            lastSent: moment)
        write(row)
        return true
    }

    func clearMark(_ reference: SessionReference) async throws(StoreError) {
        try begin(.clearMark)
        guard var row = active(reference) else { return }
        row.record.mark = nil
        write(row)
    }

    func postponeMark(
        _ reference: SessionReference, retryAfter: Duration
    ) async throws(StoreError) {
        try begin(.postponeMark)
        guard var row = active(reference) else { return }
        #expect(row.record.mark != nil, "only a standing mark can be postponed")
        row.record.mark?.retryAfter = retryAfter
        write(row)
    }

    func commitRefresh(
        _ reference: SessionReference, _ refreshed: RefreshedTokens
    ) async throws(StoreError) -> CommitOutcome {
        try begin(.commitRefresh)
        guard var row = active(reference) else {
            if let row = rows[reference.account] { queue(refreshed.tokens.refresh, of: row) }
            return .superseded
        }
        #expect(row.record.mark != nil, "nothing is committed without a mark")
        row.record.generation = row.record.generation.next
        row.record.mark = nil
        row.record.identity = refreshed.identity
        row.record.grantedScope = refreshed.grantedScope
        row.record.expiry = refreshed.expiry
        row.record.hasRefreshToken = refreshed.tokens.refresh != nil
        row.record.hasIDToken = refreshed.tokens.id != nil
        row.tokens = refreshed.tokens
        write(row)
        return .committed(
            OpenedSession(
                record: row.record, tokens: refreshed.tokens, clientSecret: row.clientSecret,
                dpopKey: row.dpopKey))
    }

    func expire(
        _ reference: SessionReference, reason: ExpiryReason, revoking: Bool
    ) async throws(StoreError) -> Bool {
        try begin(.expire)
        guard var row = active(reference) else { return false }
        if revoking { queue(row.tokens?.refresh, of: row) }
        row.tokens = nil
        row.record.phase = .expired(reason)
        row.record.mark = nil
        row.record.hasRefreshToken = false
        row.record.hasIDToken = false
        write(row)
        return true
    }

    func signOut(_ account: AccountName) async throws(StoreError) -> Bool {
        try begin(.signOut)
        guard var row = rows[account], row.record.phase != .signedOut else { return false }
        queue(row.tokens?.refresh, of: row)
        row.tokens = nil
        row.record.phase = .signedOut
        row.record.mark = nil
        row.record.hasRefreshToken = false
        row.record.hasIDToken = false
        write(row)
        return true
    }

    // MARK: Revocations

    func dueRevocations(
        at now: Date, limit: Int
    ) async throws(StoreError) -> [PendingRevocation] {
        try begin(.dueRevocations)
        return Array(revocations.filter { $0.due <= now }.prefix(limit).map(\.revocation))
    }

    func pendingRevocationCount() async throws(StoreError) -> Int { revocations.count }

    func completeRevocation(_ id: PendingRevocation.ID) async throws(StoreError) {
        revocations.removeAll { $0.revocation.id == id }
    }

    func postponeRevocation(_ id: PendingRevocation.ID, until: Date) async throws(StoreError) {
        guard let index = revocations.firstIndex(where: { $0.revocation.id == id }) else { return }
        let old = revocations[index].revocation
        revocations[index] = Waiting(
            revocation: PendingRevocation(
                id: old.id, registration: old.registration, clientSecret: old.clientSecret,
                endpoints: old.endpoints, token: old.token, attempts: old.attempts + 1),
            due: until)
    }

    // MARK: Accounts

    func accounts() async throws(StoreError) -> [SessionRecord] { rows.values.map(\.record) }
    func currentAccount() async throws(StoreError) -> AccountName? { current }
    func useAccount(_ account: AccountName) async throws(StoreError) { current = account }

    func removeAccount(_ account: AccountName) async throws(StoreError) {
        _ = try await signOut(account)
    }
}
