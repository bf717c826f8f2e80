internal import AuthModels
internal import Telemetry

/// Makes counters, timers and spans of what ``AuthMachine`` decides.
///
/// It is fed every step and changes none; a service that nothing looks at has no watch.
struct SessionWatch {
    private struct RefreshUnderWay {
        let began: Moment
        let generation: Generation
        let span: OpenSpan?
    }

    private let observability: Observability
    private let clock: any AuthClock
    private var refreshes: [Attempt: RefreshUnderWay] = [:]
    private var signIns: [Attempt: OpenSpan] = [:]
    /// Why a session is to end that the store has not ended yet.
    private var endings: [Attempt: ExpiryReason] = [:]
    private var isKeyLossCounted = false

    /// - Returns: nil when nothing is to be observed.
    init?(_ observability: Observability, _ clock: any AuthClock) {
        guard observability.isOn else { return nil }
        self.observability = observability
        self.clock = clock
    }

    /// - Returns: the span that has begun with this step, and that its effects belong to.
    mutating func saw(
        _ event: AuthEvent, from old: AuthState, to new: AuthState, _ effects: [AuthEffect]
    ) -> OpenSpan? {
        var begun: OpenSpan?
        let (left, entered) = (old.refreshing, new.refreshing)
        if let left, left.attempt != entered?.attempt { endRefresh(left, event) }
        if let entered, entered.attempt != left?.attempt { begun = beginRefresh(entered) }
        if case .signInRequested(let attempt) = event, case .signingIn(let signIn) = new,
            signIn.attempt == attempt
        {
            begun = observability.begin(.signIn)
            signIns[attempt] = begun
        }
        if case .refresh(let attempt, let result, _) = event { saw(result, of: attempt) }
        if case .signInStored = event { isKeyLossCounted = false }
        if case .expired(_, .expired) = new, old.isLive { observability.sessionEnded(.expired) }
        for effect in effects { saw(effect) }
        return begun
    }

    /// The key that seals the tokens is gone; counted once for a sign-in.
    mutating func sawKeyLoss() {
        if !isKeyLossCounted { observability.sessionEnded(.keyLost) }
        isKeyLossCounted = true
    }

    /// Somebody signed out of a session that the store held.
    func sawSignOut() { observability.sessionEnded(.asked) }

    // MARK: Refresh

    private mutating func beginRefresh(_ refreshing: Refreshing) -> OpenSpan? {
        let span = observability.begin(.refresh)
        refreshes[refreshing.attempt] = RefreshUnderWay(
            began: clock.now(), generation: refreshing.session.record.generation, span: span)
        return span
    }

    private mutating func endRefresh(_ refreshing: Refreshing, _ event: AuthEvent) {
        guard let refresh = refreshes.removeValue(forKey: refreshing.attempt) else { return }
        let outcome = RefreshOutcome(refreshing, endedBy: event, since: refresh.generation)
        observability.refresh(outcome, took: clock.now().elapsed(since: refresh.began))
        refresh.span?.end(outcome)
    }

    /// The store's compare-and-swap says which process ended the session, also when it is late.
    private mutating func saw(_ result: RefreshEvent, of attempt: Attempt) {
        switch result {
        case .answered(_, let answer): observability.refreshRequest(RefreshReply(answer))
        case .readFailed(.key(.lost)): sawKeyLoss()
        case .expired(let isExpired):
            guard let reason = endings.removeValue(forKey: attempt), isExpired else { return }
            observability.sessionEnded(SessionEnd(reason))
        case .expireFailed: endings[attempt] = nil
        default: break
        }
    }

    private mutating func saw(_ effect: AuthEffect) {
        switch effect {
        case .expire(let attempt, _, let reason, _): endings[attempt] = reason
        case .endSignIn(let attempt, let result):
            switch result {
            case .success: observability.signIn(.signedIn)
            case .failure(let error): observability.signIn(ResultLabel(error))
            }
            signIns.removeValue(forKey: attempt)?.end(result)
        default: break
        }
    }
}

extension AuthState {
    fileprivate var refreshing: Refreshing? {
        if case .refreshing(let refreshing) = self { refreshing } else { nil }
    }

    /// Whether this process took the session for a usable one.
    fileprivate var isLive: Bool {
        switch self {
        case .signedIn, .refreshing: true
        case .signedOut, .signingIn, .expired, .signingOut: false
        }
    }
}

extension RefreshReply {
    init(_ answer: RefreshAnswer) {
        self =
            switch answer {
            case .tokens: .tokens
            case .identityChanged: .identityChanged
            case .invalidGrant: .invalidGrant
            case .rejected: .rejected
            case .tooManyRequests: .tooManyRequests
            case .serverError: .serverError
            case .lost: .lost
            case .notSent: .notSent
            }
    }
}
