import AuthModels
import AuthSession
import Testing

/// What holds for every pair of a state and an event.
@Suite("The auth machine, every event in every state")
struct AuthMachineMatrixTests {
    let matrix: AuthMachineMatrix

    init() throws { matrix = try AuthMachineMatrix() }

    @Test("The matrix has every state, every stage and both ages of every attempt's result")
    func coverage() throws {
        let states = try matrix.states()
        #expect(Set(states.map(\.name)) == Set(AuthState.Name.allCases))
        let stages = Set(states.compactMap { $0.stage.map { "\($0)".prefix { $0 != "(" } } })
        #expect(stages.count == 10)
        #expect(states.count * (try matrix.events().count) > 20_000)
    }

    @Test("A caller who waits stays in line or is woken, once, and nobody else is woken")
    func waiters() throws {
        try matrix.forEachPair { state, event, step in
            var expected = state.waiters
            if case .tokenRequested(let waiter, _, _) = event { expected.append(waiter.id) }
            var seen = step.state.waiters
            for case .wake(let id, _) in step.effects { seen.append(id) }
            let isRight =
                seen.sorted { $0.number < $1.number }
                == expected.sorted { $0.number < $1.number }
            #expect(isRight, "\(state.name) \(event) woke or lost the wrong callers")
        }
    }

    @Test("Who asked for a sign-in or a sign-out is told exactly once")
    func askers() throws {
        try matrix.forEachPair { state, event, step in
            var signIns = state.signIns
            var signOuts = state.signOuts
            switch event {
            case .signInRequested(let attempt): signIns.append(attempt)
            case .signOutRequested(let attempt): signOuts.append(attempt)
            case .signInStored(let attempt, _):
                // A sign-in that comes after a sign-out is signed out on its own account.
                let isLate = state.signIns != [attempt] && step.state.name == .signingOut
                if isLate { signOuts.append(attempt) }
            case .redirectReceived, .signInFailed, .signInCancelled, .tokenRequested,
                .waiterCancelled, .refresh, .signOutStored, .signOutFailed, .sessionObserved:
                break
            }
            var toldIn = step.state.signIns
            var toldOut = step.state.signOuts
            for effect in step.effects {
                if case .endSignIn(let attempt, _) = effect { toldIn.append(attempt) }
                if case .endSignOut(let attempt, _) = effect { toldOut.append(attempt) }
            }
            #expect(sorted(toldIn) == sorted(signIns), "\(state.name) \(event)")
            #expect(sorted(toldOut) == sorted(signOuts), "\(state.name) \(event)")
        }
    }

    private func sorted(_ attempts: [Attempt]) -> [UInt64] { attempts.map(\.number).sorted() }

    @Test("A late result changes no state")
    func lateResults() throws {
        try matrix.forEachPair { state, event, step in
            guard isLate(event, in: state) else { return }
            #expect(step.state == state, "\(state.name) changed by a late \(event)")
        }
    }

    /// A stored sign-in aside: it is durable, and tested by itself.
    private func isLate(_ event: AuthEvent, in state: AuthState) -> Bool {
        switch event {
        case .redirectReceived(let attempt), .signInFailed(let attempt, _),
            .signInCancelled(let attempt):
            state.signIns != [attempt]
        case .signOutStored(let attempt), .signOutFailed(let attempt, _):
            state.signOuts.first != attempt
        case .refresh(let attempt, _, _): state.refreshAttempt != attempt
        case .signInRequested, .signInStored, .tokenRequested, .waiterCancelled,
            .signOutRequested, .sessionObserved:
            false
        }
    }

    @Test("A late result of a refresh gives back the lock, at once or with its tokens")
    func lateResultsGiveBack() throws {
        try matrix.forEachPair { state, event, step in
            guard case .refresh(let attempt, let result, _) = event,
                state.refreshAttempt != attempt
            else { return }
            let isReleased = step.effects.contains(.releaseLock(attempt))
            let goesOn = step.effects.contains { $0.owner == attempt }
            switch result {
            case .lockFailed, .waited:
                #expect(!isReleased && !goesOn, "nothing was held: \(event)")
            case .answered(_, .tokens), .answered(_, .identityChanged), .commitFailed:
                #expect(!isReleased && goesOn, "tokens were dropped: \(event)")
            case .locked, .read, .readFailed, .marked, .markFailed, .answered, .closed,
                .committed, .expired, .expireFailed, .disposed:
                #expect(isReleased && !goesOn, "the lock was kept: \(event)")
            }
        }
    }

    @Test("A refresh that ends gives its lock back; one that goes on waits for one thing")
    func locks() throws {
        try matrix.forEachPair { state, event, step in
            guard let attempt = state.refreshAttempt else { return }
            let isReleased = step.effects.contains(.releaseLock(attempt))
            let pending = step.effects.count { $0.owner == attempt }
            if step.state.refreshAttempt == attempt {
                #expect(!isReleased, "\(event) freed the lock of a refresh that goes on")
                let expected = step.state.stage == state.stage ? 0 : 1
                #expect(pending == expected, "\(event) at \(String(describing: state.stage))")
            } else if case .signOutRequested = event {
                // Left behind: an effect that runs gives back the lock; a wait has none.
                switch state.stage {
                case .settling: #expect(isReleased && pending == 0)
                case .pausing: #expect(!isReleased && pending == 1)
                default: #expect(!isReleased && pending == 0)
                }
            } else {
                #expect(isReleased && pending == 0, "\(event) kept the lock")
            }
        }
    }

    @Test("A result that the stage does not expect changes nothing")
    func unexpectedResults() throws {
        try matrix.forEachPair { state, event, step in
            guard case .refresh(let attempt, let result, _) = event,
                state.refreshAttempt == attempt, let stage = state.stage,
                !expects(stage, result)
            else { return }
            #expect(step.state == state, "\(result) at \(stage)")
        }
    }

    private func expects(_ stage: Refreshing.Stage, _ result: RefreshEvent) -> Bool {
        switch (stage, result) {
        case (.locking, .locked), (.locking, .lockFailed), (.reading, .read),
            (.reading, .readFailed), (.confirming, .read), (.confirming, .readFailed),
            (.settling, .waited), (.pausing, .waited), (.marking, .marked),
            (.marking, .markFailed), (.requesting, .answered), (.closing, .closed),
            (.committing, .committed), (.committing, .commitFailed), (.expiring, .expired),
            (.expiring, .expireFailed):
            true
        default: false
        }
    }

    @Test("No network fault ends a session: only a sign-out, invalid_grant or another identity do")
    func networkFaults() throws {
        let faults = matrix.networkFaults
        try matrix.forEachPair { state, event, step in
            guard case .refresh(let attempt, .answered(_, let answer), _) = event,
                state.refreshAttempt == attempt, faults.contains(answer)
            else { return }
            #expect(
                [.refreshing, .signedIn].contains(step.state.name),
                "\(answer) ended the session")
            #expect(!step.effects.contains { if case .expire = $0 { true } else { false } })
        }
    }

    @Test("A session ends in memory only where the store says so, or has no refresh token left")
    func endings() throws {
        try matrix.forEachPair { state, event, step in
            guard state.name == .refreshing, step.state.name == .expired else { return }
            switch event {
            case .refresh(_, .expired(true), _), .refresh(_, .read(.expired), _): break
            case .refresh(_, .read(.opened(let session)), _):
                #expect(!session.record.hasRefreshToken)
            default: Issue.record("\(event) ended the session")
            }
        }
    }

    @Test("A request is sent only right after the mark is written")
    func sends() throws {
        try matrix.forEachPair { state, event, step in
            guard step.effects.sendCount > 0 else { return }
            #expect(step.effects.sendCount == 1)
            guard case .refresh(_, .marked(true), _) = event, case .marking = state.stage else {
                Issue.record("\(event) sent a request")
                return
            }
        }
    }

    @Test("A token that a caller gets is the store's or memory's, never an answer's")
    func served() throws {
        try matrix.forEachPair { _, event, step in
            if case .refresh(_, .answered, _) = event {
                let generations = step.effects.woken.values.compactMap { result in
                    if case .success(let token) = result { token.generation } else { nil }
                }
                #expect(generations.allSatisfy { $0 == Generation(5) }, "\(event)")
            }
        }
    }

    @Test("A generation in memory falls only with a sign-out")
    func generations() throws {
        try matrix.forEachPair { state, event, step in
            guard case .sessionObserved = event, case .signedIn(let before) = state,
                case .signedIn(let after) = step.state
            else { return }
            #expect(after.record.generation >= before.record.generation, "\(event)")
        }
    }
}
