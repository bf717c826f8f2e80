import AuthModels
import AuthSession

/// Representative states and every event, for the tests that visit all pairs.
struct AuthMachineMatrix {
    static let current = Attempt(7)
    static let stale = Attempt(99)
    static let joined = Attempt(8)

    let sample: MachineSample
    let now: Moment

    init() throws {
        sample = try MachineSample()
        // Ten seconds before the sample token's end.
        now = sample.moment(3590)
    }

    // MARK: States

    func states() throws -> [AuthState] {
        var states: [AuthState] = [.signedOut, .expired(try sample.record(), .revoked)]
        let resting = try self.resting()
        for before in resting {
            for stage in [SigningIn.Stage.waitingForRedirect, .exchanging] {
                states.append(
                    .signingIn(SigningIn(attempt: Self.current, stage: stage, before: before)))
            }
            for joined in [[], [Self.joined]] {
                states.append(
                    .signingOut(
                        SigningOut(attempt: Self.current, joined: joined, before: before)))
            }
        }
        states += try sessions().map { .signedIn($0) }
        for session in try sessions() {
            for stage in try stages() {
                for waiters in try waiterLists() {
                    states.append(
                        .refreshing(
                            Refreshing(
                                attempt: Self.current, session: session, stage: stage,
                                waiters: waiters)))
                }
            }
        }
        return states
    }

    private func resting() throws -> [SigningIn.Resting] {
        [
            .signedOut, .signedIn(SignedIn(try sample.opened())),
            .expired(try sample.record(), .outcomeUnknown),
        ]
    }

    /// Sealed, valid, dead, resting after a failure, refused.
    private func sessions() throws -> [SignedIn] {
        let dead = try sample.opened(lifetime: .seconds(60))
        return [
            SignedIn(record: try sample.record()), SignedIn(try sample.opened()), SignedIn(dead),
            SignedIn(
                record: try sample.record(), access: try sample.tokens(5).access,
                earlyRefreshNotBefore: now.advanced(by: .seconds(10))),
            SignedIn(
                record: dead.record, access: dead.tokens.access,
                refusal: SignedIn.Refusal(
                    error: .tokenEndpointRejected(code: ""),
                    until: now.advanced(by: .seconds(1)))),
        ]
    }

    private func stages() throws -> [Refreshing.Stage] {
        let session = try sample.opened()
        let record = session.record
        let refreshed = try sample.refreshed()
        let first = Refreshing.Sends(count: 1, isUncertain: false, mayReplay: true)
        let second = Refreshing.Sends(count: 2, isUncertain: true, mayReplay: true)
        let adopted = Refreshing.Sends(count: 1, isUncertain: true, mayReplay: false)
        let last = sample.machine.policy.commitBackoff.count + 1
        return [
            .locking(patient: true), .locking(patient: false), .reading,
            .settling(session, second), .marking(session, first), .requesting(session, first),
            .requesting(session, second), .requesting(session, adopted),
            .closing(.tokenEndpointRejected(code: "invalid_client")),
            .confirming(record, .revoked), .expiring(record, .outcomeUnknown),
            .committing(record.reference, refreshed, failures: 0),
            .committing(record.reference, refreshed, failures: last),
            .pausing(record.reference, refreshed, failures: 1),
        ]
    }

    private func waiterLists() throws -> [[Waiter]] {
        let ordinary = sample.waiter(1)
        let rejected = sample.waiter(2, TokenNeed(newerThan: Generation(5)))
        return [[], [ordinary], [rejected, ordinary]]
    }

    // MARK: Events

    func events() throws -> [AuthEvent] {
        let error = AuthError.transient("down", retryAfter: nil)
        var events: [AuthEvent] = []
        for attempt in [Self.current, Self.stale] {
            events += [
                .signInRequested(attempt), .redirectReceived(attempt),
                .signInStored(attempt, try sample.opened(generation: 8)),
                .signInFailed(attempt, error), .signInCancelled(attempt),
                .signOutRequested(attempt),
                .signOutStored(attempt), .signOutFailed(attempt, error),
                .tokenRequested(sample.waiter(3), attempt, now),
                .tokenRequested(
                    sample.waiter(4, TokenNeed(newerThan: Generation(5))), attempt, now),
                .tokenRequested(
                    sample.waiter(5, TokenNeed(remainingMin: .seconds(60), isStrict: true)),
                    attempt, now),
            ]
            events += try results().map { .refresh(attempt, $0, now) }
        }
        events += [1, 2, 77].map { .waiterCancelled(Waiter.ID($0)) }
        events += try observations().map { .sessionObserved($0) }
        return events
    }

    private func observations() throws -> [StoredSession] {
        [
            .none, .sealed(try sample.record()), .sealed(try sample.record(generation: 4)),
            .opened(try sample.opened(generation: 6)), .opened(try sample.opened(generation: 4)),
            .expired(try sample.record(), .revoked),
        ]
    }

    func results() throws -> [RefreshEvent] {
        let fault = StoreError.unavailable(.full)
        let reference = try sample.record().reference
        let refreshed = try sample.refreshed()
        return try observations().map { .read($0) } + answers().map { .answered(reference, $0) }
            + [
                .read(.opened(try sample.opened(mark: sample.mark(3589)))),
                .read(.opened(try sample.opened(hasRefreshToken: false))),
                .locked, .lockFailed(.busy), .lockFailed(.cancelled),
                .lockFailed(.unavailable(.readOnly)), .readFailed(fault), .waited, .marked(true),
                .marked(false), .markFailed(fault), .closed(nil), .closed(fault),
                .committed(.committed(try sample.opened(generation: 6, obtained: now))),
                .committed(.superseded), .commitFailed(reference, refreshed, fault),
                .expired(true), .expired(false), .expireFailed(fault), .disposed,
            ]
    }

    func answers() throws -> [RefreshAnswer] {
        [.tokens(try sample.refreshed()), .identityChanged(try sample.refreshed()), .invalidGrant]
            + networkFaults
    }

    /// Answers that say nothing about the session.
    var networkFaults: [RefreshAnswer] {
        [
            .rejected(code: "invalid_client"), .rejected(code: ""),
            .tooManyRequests(retryAfter: nil), .tooManyRequests(retryAfter: .seconds(9)),
            .serverError(status: 500, retryAfter: nil),
            .serverError(status: 503, retryAfter: .seconds(9)), .lost("reset"),
            .notSent(.transient("refused", retryAfter: nil)),
        ]
    }

    /// Visits every pair.
    func forEachPair(
        _ visit: (AuthState, AuthEvent, AuthMachine.Step) throws -> Void
    ) throws {
        let events = try events()
        for state in try states() {
            for event in events { try visit(state, event, sample.machine.step(state, event)) }
        }
    }
}

extension AuthState {
    var waiters: [Waiter.ID] {
        if case .refreshing(let refreshing) = self { refreshing.waiters.map(\.id) } else { [] }
    }

    /// The refresh under way.
    var refreshAttempt: Attempt? {
        if case .refreshing(let refreshing) = self { refreshing.attempt } else { nil }
    }

    var stage: Refreshing.Stage? {
        if case .refreshing(let refreshing) = self { refreshing.stage } else { nil }
    }

    /// Sign-ins and sign-outs whose askers still wait.
    var signIns: [Attempt] {
        if case .signingIn(let signIn) = self { [signIn.attempt] } else { [] }
    }

    var signOuts: [Attempt] {
        if case .signingOut(let signOut) = self { [signOut.attempt] + signOut.joined } else { [] }
    }
}

extension AuthEffect {
    /// The attempt that this effect's result will belong to; nil where there is no result.
    var owner: Attempt? {
        switch self {
        case .acquireLock(let attempt, _), .readSession(let attempt), .wait(let attempt, _),
            .mark(let attempt, _), .send(let attempt, _), .clearMark(let attempt, _),
            .postponeMark(let attempt, _, _), .commit(let attempt, _, _),
            .expire(let attempt, _, _, _), .dispose(let attempt, _, _):
            attempt
        case .beginSignIn, .exchangeCode, .abandonSignIn, .endSignIn, .storeSignOut, .endSignOut,
            .releaseLock, .wake, .sendRevocations:
            nil
        }
    }
}
