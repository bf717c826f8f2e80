public import AuthModels
public import Logging
internal import Synchronization
public import Telemetry

/// The auth service of one account: runs the effects of ``AuthMachine`` and feeds their results back.
///
/// After an `await` it does nothing but apply an event, so every decision stands in the machine.
/// Safe to share between tasks; several services of one account, in one process or many, work on one
/// session through the store and its lock.
public actor AuthService: TokenSource {
    public nonisolated let account: AccountName
    nonisolated let machine: AuthMachine
    nonisolated let ports: AuthPorts
    nonisolated let provider: ProviderClient
    nonisolated let logger: Logger
    /// Spreads early refreshes of a fleet; drawn once (0…1).
    private nonisolated let jitter: Double
    private nonisolated let cache: Mutex<SignedIn?>
    private nonisolated let hub: StateHub
    nonisolated let observability: Observability

    private(set) var state: AuthState = .signedOut
    /// Nil where nothing is observed.
    var watch: SessionWatch?
    /// Counts changes of the state; what was read from the store before one is not observed after.
    private var epoch = 0
    private var lastNumber: UInt64 = 0
    private var waiters: [Waiter.ID: CheckedContinuation<Result<IssuedToken, AuthError>, Never>] =
        [:]
    private var signOuts: [Attempt: CheckedContinuation<AuthError?, Never>] = [:]
    var signIns: [Attempt: SignInRun] = [:]
    var heldLocks: [Attempt: any HeldRefreshLock] = [:]
    var revocations: Task<Void, Never>?
    private var opening: Task<Result<StoredSession, StoreError>, Never>?
    private var openingEpoch = 0

    public init(
        account: AccountName, ports: AuthPorts, policy: RefreshPolicy = RefreshPolicy(),
        logger: Logger, observability: Observability = .bootstrapped
    ) throws(AuthError) {
        self.account = account
        self.ports = ports
        self.machine = AuthMachine(policy: policy)
        self.logger = logger
        self.provider = ProviderClient(
            transport: ports.transport, clock: ports.clock, random: ports.random,
            deadline: policy.requestDeadline, logger: logger, observability: observability)
        self.observability = observability
        self.watch = SessionWatch(observability, ports.clock)
        do {
            jitter = Double(try ports.random.bytes(1).first ?? 0) / 255
        } catch {
            throw .randomnessUnavailable
        }
        cache = Mutex(nil)
        hub = StateHub(.signedOut)
    }

    /// The current state and each that follows; a UI binds to it.
    public nonisolated var states: AuthStates { AuthStates(hub: hub) }

    // MARK: Session

    /// Reads what the store holds, without the key, and returns the state that it means.
    ///
    /// - Throws: `.store` when the store cannot be read.
    @discardableResult
    public func restore() async throws(AuthError) -> AuthState {
        let record: SessionRecord?
        let epoch = epoch
        do { record = try await ports.store.record(of: account) } catch { throw .store(error) }
        if epoch == self.epoch { apply(.sessionObserved(record.map(observed) ?? .none)) }
        return state
    }

    private func observed(_ record: SessionRecord) -> StoredSession {
        switch record.phase {
        case .signedOut: .none
        case .expired(let reason): .expired(record, reason)
        case .active: isSpent(record) ? .expired(record, .expired) : .sealed(record)
        }
    }

    /// Without a refresh token a session ends with its access token.
    private func isSpent(_ record: SessionRecord) -> Bool {
        !record.hasRefreshToken && record.expiry.remaining(at: ports.clock.now()) == .zero
    }

    // MARK: Tokens

    public nonisolated func accessToken(
        _ need: TokenNeed?
    ) async throws(AuthError) -> IssuedToken {
        if let token = cachedToken(need) { return token }
        return try await requestToken(need)
    }

    /// The token in memory, where it meets the need: a briefly locked read, no actor hop.
    public nonisolated func cachedToken(_ need: TokenNeed?) -> IssuedToken? {
        guard let session = cache.withLock({ $0 }), let token = session.issued else { return nil }
        let need = need ?? ordinaryNeed(session.record)
        guard need.isMet(by: session.record, at: ports.clock.now()) else { return nil }
        return token
    }

    private nonisolated func ordinaryNeed(_ record: SessionRecord) -> TokenNeed {
        TokenNeed(
            remainingMin: machine.policy.lead(lifetime: record.expiry.lifetime, jitter: jitter))
    }

    private func requestToken(_ need: TokenNeed?) async throws(AuthError) -> IssuedToken {
        try await openIfNeeded()
        let need = need ?? cache.withLock { $0 }.map { ordinaryNeed($0.record) } ?? TokenNeed()
        let id = Waiter.ID(nextNumber())
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waiters[id] = continuation
                let attempt = Attempt(nextNumber())
                apply(.tokenRequested(Waiter(id: id, need: need), attempt, ports.clock.now()))
            }
        } onCancel: {
            Task { await self.apply(.waiterCancelled(id)) }
        }
        return try result.get()
    }

    /// Opens the store's session where memory has no token to judge; callers at the same time share
    /// one reading.
    private func openIfNeeded() async throws(AuthError) {
        switch state {
        case .signedIn(let session) where session.access != nil: return
        case .signingIn, .refreshing, .signingOut: return
        case .signedOut, .expired, .signedIn: break
        }
        let epoch = epoch
        if openingEpoch != epoch { opening = nil }
        openingEpoch = epoch
        let task =
            opening
            ?? Task { [account, store = ports.store] in
                await Result.reading(account, from: store)
            }
        opening = task
        let result = await task.value
        if opening == task { opening = nil }
        if epoch != self.epoch, case .success = result { return }
        switch result {
        case .success(.opened(let session)) where isSpent(session.record):
            apply(.sessionObserved(.expired(session.record, .expired)))
        case .success(let stored): apply(.sessionObserved(stored))
        case .failure(.key(.lost)):
            watch?.sawKeyLoss()
            throw .loginRequired(.ended(.keyLost))
        case .failure(let error): throw .store(error)
        }
    }

    /// Refreshes now. Callers at the same time, in all processes, share one request.
    public func refresh() async throws(AuthError) -> IssuedToken {
        try await openIfNeeded()
        let generation = cache.withLock { $0?.record.generation } ?? .zero
        return try await requestToken(TokenNeed(newerThan: generation))
    }

    // MARK: Sign-in and sign-out

    /// Signs in through the browser; returns once the tokens are durable.
    ///
    /// Cancelling the calling task ends the wait for the person and frees the port. An exchange of
    /// the code that is under way is still finished and stored.
    public func signIn(_ request: SignInRequest) async throws(AuthError) -> SessionRecord {
        try await restore()
        let attempt = Attempt(nextNumber())
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                signIns[attempt] = SignInRun(request: request, caller: continuation)
                apply(.signInRequested(attempt))
            }
        } onCancel: {
            Task { await self.apply(.signInCancelled(attempt)) }
        }
        return try result.get()
    }

    /// Signs out: forgotten here in one transaction, then revoked at the provider, now or later.
    ///
    /// - Returns: how many revocations are left for later; 0 when the provider knows.
    /// - Throws: `.store` when the store cannot be written; the session is then kept.
    @discardableResult
    public func signOut() async throws(AuthError) -> Int {
        let attempt = Attempt(nextNumber())
        let error = await withCheckedContinuation { continuation in
            signOuts[attempt] = continuation
            apply(.signOutRequested(attempt))
        }
        if let error { throw error }
        await revocations?.value
        do {
            return try await ports.store.pendingRevocationCount()
        } catch {
            throw .store(error)
        }
    }

    /// Sends the revocations that are due, those of other accounts of this store included.
    public func sendDueRevocations() async {
        startRevocations()
        await revocations?.value
    }

    // MARK: Machine

    func apply(_ event: AuthEvent) {
        let (next, effects) = machine.step(state, event)
        let span = watch?.saw(event, from: state, to: next, effects)
        if next != state {
            if next.name != state.name {
                logger.debug("state", metadata: ["from": "\(state.name)", "to": "\(next.name)"])
            }
            state = next
            epoch += 1
            cache.withLock { $0 = next.servedSession }
            hub.publish(next)
        }
        guard let span else { return run(effects) }
        // The tasks that run them hand it on, so that the whole refresh or sign-in belongs to the
        // caller that began it, and to no one who came later.
        span.within { run(effects) }
    }

    private func run(_ effects: [AuthEffect]) {
        for effect in effects { run(effect) }
    }

    func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    func wake(_ id: Waiter.ID, _ result: Result<IssuedToken, AuthError>) {
        waiters.removeValue(forKey: id)?.resume(returning: result)
    }

    func endSignOut(_ attempt: Attempt, _ error: AuthError?) {
        signOuts.removeValue(forKey: attempt)?.resume(returning: error)
    }
}

extension AuthState {
    /// The session whose token may be served without asking the machine.
    fileprivate var servedSession: SignedIn? {
        switch self {
        case .signedIn(let session): session
        case .refreshing(let refreshing): refreshing.session
        case .signingIn(let signIn):
            if case .signedIn(let session) = signIn.before { session } else { nil }
        case .signedOut, .expired, .signingOut: nil
        }
    }
}

extension Result where Success == StoredSession, Failure == StoreError {
    /// The account's session with its secrets, or why there is none.
    static func reading(_ account: AccountName, from store: any SessionStore) async -> Self {
        do throws(StoreError) {
            if let session = try await store.open(account) { return .success(.opened(session)) }
            guard let record = try await store.record(of: account) else { return .success(.none) }
            guard case .expired(let reason) = record.phase else { return .success(.none) }
            return .success(.expired(record, reason))
        } catch {
            return .failure(error)
        }
    }
}
