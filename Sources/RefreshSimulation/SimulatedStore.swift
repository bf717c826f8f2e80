import AuthModels
import AuthSession

/// One account's rows, with the transactions that `SessionStore` promises. What a method returned
/// from is on disk; every method is one step, so nothing is ever half done.
struct SimulatedStore {
    struct Pending {
        let id: Int
        let token: String
        var notBefore: Instant
        var attempts = 0
    }

    private(set) var record: SessionRecord?
    private(set) var tokens: TokenSet?
    private(set) var queue: [Pending] = []
    private var nextPending = 0

    // Faults, switched by the world.
    var isFull = false
    var isKeyOut = false
    /// Breaks the compare-and-swap; see `Mutant`.
    var ignoresReference = false
    var revokesCurrent = false

    private enum Needs { case nothing, room, key, roomAndKey }

    private func prove(_ needs: Needs) throws(StoreError) {
        if isFull, needs == .room || needs == .roomAndKey { throw .unavailable(.full) }
        if isKeyOut, needs == .key || needs == .roomAndKey { throw .key(.locked) }
    }

    private func isCurrent(_ reference: SessionReference) -> Bool {
        guard let record, record.phase == .active else { return false }
        return record.reference == reference
    }

    func read() throws(StoreError) -> StoredSession {
        guard let record else { return .none }
        switch record.phase {
        case .signedOut: return .none
        case .expired(let reason): return .expired(record, reason)
        case .active: break
        }
        try prove(.key)
        guard let tokens else { throw .corrupt("an active session without tokens") }
        return .opened(OpenedSession(record: record, tokens: tokens, clientSecret: nil))
    }

    func readSealed() -> StoredSession {
        guard let record else { return .none }
        return switch record.phase {
        case .signedOut: .none
        case .expired(let reason): .expired(record, reason)
        case .active: .sealed(record)
        }
    }

    func prepareForSignIn() throws(StoreError) { try prove(.roomAndKey) }

    mutating func signIn(_ session: NewSession) throws(StoreError) -> OpenedSession {
        try prove(.roomAndKey)
        if record?.phase == .active { enqueue(tokens?.refresh) }
        let next = SessionRecord(
            account: session.account, id: session.id,
            generation: (record?.generation ?? .zero).next, registration: session.registration,
            endpoints: session.endpoints, identity: session.identity,
            grantedScope: session.grantedScope, expiry: session.expiry,
            hasRefreshToken: session.tokens.refresh != nil, hasIDToken: false)
        record = next
        tokens = session.tokens
        return OpenedSession(record: next, tokens: session.tokens, clientSecret: nil)
    }

    mutating func mark(
        _ reference: SessionReference, at moment: Moment
    ) throws(StoreError) -> Bool {
        try prove(.roomAndKey)
        guard isCurrent(reference) else { return false }
        let earlier = record?.mark.flatMap { $0.generation == reference.generation ? $0 : nil }
        record?.mark = InFlightMark(
            generation: reference.generation, started: earlier?.started ?? moment,
            lastSent: moment)
        return true
    }

    mutating func clearMark(_ reference: SessionReference) throws(StoreError) {
        try prove(.room)
        if isCurrent(reference) { record?.mark = nil }
    }

    mutating func postponeMark(
        _ reference: SessionReference, retryAfter: Duration
    ) throws(StoreError) {
        try prove(.room)
        if isCurrent(reference) { record?.mark?.retryAfter = retryAfter }
    }

    mutating func commit(
        _ reference: SessionReference, _ refreshed: RefreshedTokens
    ) throws(StoreError) -> CommitOutcome {
        try prove(.roomAndKey)
        guard var next = record, isCurrent(reference) || ignoresReference else {
            // The token in use is never queued: a provider may give the same one each time, and a
            // commit whose report was lost comes twice.
            if refreshed.tokens.refresh != tokens?.refresh || revokesCurrent {
                enqueue(refreshed.tokens.refresh)
            }
            return .superseded
        }
        next.generation = reference.generation.next
        next.phase = .active
        next.mark = nil
        next.expiry = refreshed.expiry
        record = next
        tokens = refreshed.tokens
        return .committed(
            OpenedSession(record: next, tokens: refreshed.tokens, clientSecret: nil))
    }

    mutating func expire(
        _ reference: SessionReference, reason: ExpiryReason, revoking: Bool
    ) throws(StoreError) -> Bool {
        try prove(.room)
        guard isCurrent(reference) else { return false }
        if revoking { enqueue(tokens?.refresh) }
        record?.phase = .expired(reason)
        record?.mark = nil
        tokens = nil
        return true
    }

    mutating func signOut() throws(StoreError) -> Bool {
        try prove(.room)
        guard let phase = record?.phase, phase != .signedOut else { return false }
        if phase == .active { enqueue(tokens?.refresh) }
        record?.phase = .signedOut
        record?.mark = nil
        tokens = nil
        return true
    }

    // MARK: Revocations

    private mutating func enqueue(_ token: RefreshToken?) {
        guard let token else { return }
        nextPending += 1
        queue.append(Pending(id: nextPending, token: token.reveal(), notBefore: 0))
    }

    func dueRevocations(at now: Instant) throws(StoreError) -> [Pending] {
        try prove(.key)
        return queue.filter { $0.notBefore <= now }
    }

    mutating func completeRevocation(_ id: Int) { queue.removeAll { $0.id == id } }

    mutating func postponeRevocation(_ id: Int, until: Instant) {
        guard let index = queue.firstIndex(where: { $0.id == id }) else { return }
        queue[index].notBefore = until
        queue[index].attempts += 1
    }
}
