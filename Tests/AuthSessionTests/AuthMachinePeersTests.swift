import AuthModels
import AuthSession
import Testing

/// Bugs that other libraries had, one test each.
@Suite("Refresh bugs of peers")
struct AuthMachinePeersTests {
    let sample: MachineSample
    let dead: Moment

    init() throws {
        sample = try MachineSample()
        dead = sample.moment(4000)
    }

    private func requesting(_ session: OpenedSession, _ waiter: Waiter) -> MachineRun {
        var run = sample.signedIn(session)
        run.reachRequest(sample, session, waiter, at: dead)
        return run
    }

    @Test("Peers: a rotated refresh token is kept though the new access token disappoints")
    func rotatedTokenKept() throws {
        let session = try sample.opened()
        let need = TokenNeed(remainingMin: .seconds(600), isStrict: true)
        var run = requesting(session, sample.waiter(1, need))
        let short = try sample.refreshed(lifetime: .seconds(30), obtained: dead)
        #expect(
            run.refresh(.answered(session.record.reference, .tokens(short)), dead)
                == [.commit(Attempt(7), session.record.reference, short)])
        let next = try sample.opened(
            generation: 6, lifetime: .seconds(30), obtained: dead)
        let effects = run.refresh(.committed(.committed(next)), dead)
        guard case .transient? = effects.failure() else {
            Issue.record("a token too short-lived was served, or nobody was told")
            return
        }
        guard case .signedIn(let kept) = run.state else {
            Issue.record("the session is gone")
            return
        }
        #expect(kept.record.generation == Generation(6))
    }

    @Test("Peers: a refresh token is not sent again after an arbitrary error")
    func noBlindRepeat() throws {
        let session = try sample.opened()
        let answers: [RefreshAnswer] = [
            .rejected(code: "invalid_client"), .rejected(code: ""), .invalidGrant,
            .tooManyRequests(retryAfter: nil), .notSent(.tlsFailure("expired")),
            .serverError(status: 503, retryAfter: .seconds(9)),
        ]
        for answer in answers {
            var run = requesting(session, sample.waiter())
            var effects = run.refresh(.answered(session.record.reference, answer), dead)
            if run.stage == "confirming" {
                effects += run.refresh(.read(.opened(session)), dead)
                effects += run.refresh(.expired(true), dead)
            } else if run.stage == "closing" {
                effects += run.refresh(.closed(nil), dead)
            }
            #expect(effects.sendCount == 0, "\(answer)")
            #expect(!["settling", "marking"].contains(run.stage), "\(answer)")
            #expect(effects.failure() != nil, "\(answer)")
        }
    }

    @Test("Peers: no failure at any stage leaves a caller waiting")
    func noWedgedWaiters() throws {
        let matrix = try AuthMachineMatrix()
        let fault = StoreError.unavailable(.inputOutput("read"))
        let failures: [RefreshEvent] = [
            .lockFailed(.unavailable(.readOnly)), .lockFailed(.cancelled), .readFailed(fault),
            .markFailed(fault), .closed(fault), .expireFailed(fault),
        ]
        var visited: Set<String> = []
        for state in try matrix.states() where !state.waiters.isEmpty {
            for failure in failures {
                let step = sample.machine.step(
                    state, .refresh(AuthMachineMatrix.current, failure, matrix.now))
                guard step.state != state else { continue }
                visited.insert("\(failure)")
                #expect(step.effects.woken.count == state.waiters.count, "\(failure)")
                #expect(step.state.waiters.isEmpty, "\(failure)")
            }
        }
        #expect(visited.count == failures.count, "each failure has met its stage")
    }

    @Test("Peers: many callers at once cause one refresh, and all get its token")
    func oneRefreshForAll() throws {
        let session = try sample.opened()
        var run = sample.signedIn(session)
        var effects: [AuthEffect] = []
        for id in 1...50 { effects += run.ask(sample.waiter(UInt64(id)), dead, attempt: 7) }
        effects += run.refresh(.locked, dead)
        effects += run.refresh(.read(.opened(session)), dead)
        effects += run.refresh(.marked(true), dead)
        effects += run.refresh(
            .answered(
                session.record.reference, .tokens(try sample.refreshed(obtained: dead))), dead)
        let next = try sample.opened(generation: 6, obtained: dead)
        effects += run.refresh(.committed(.committed(next)), dead)
        #expect(effects.sendCount == 1)
        #expect(effects.woken.count == 50)
        for id in 1...50 { #expect(effects.token(UInt64(id))?.generation == Generation(6)) }
    }

    @Test("Peers: a store that fails is told to the caller and never taken for a sign-out")
    func storeFailureTold() throws {
        let session = try sample.opened()
        var run = sample.signedIn(session)
        _ = run.ask(sample.waiter(), dead)
        _ = run.refresh(.locked, dead)
        _ = run.refresh(.read(.opened(session)), dead)
        let effects = run.refresh(.markFailed(.unavailable(.full)), dead)
        #expect(effects.failure() == .store(.unavailable(.full)))
        #expect(effects.sendCount == 0, "an answer that could not be kept is not asked for")
        #expect(run.state.name == .signedIn)
    }

    @Test("Peers: what cannot be saved is told, kept and saved again, with the lock held")
    func commitFailureTold() throws {
        let session = try sample.opened()
        let refreshed = try sample.refreshed(obtained: dead)
        let reference = session.record.reference
        var run = requesting(session, sample.waiter())
        _ = run.refresh(.answered(reference, .tokens(refreshed)), dead)
        var told: [AuthEffect] = []
        let tries = sample.machine.policy.commitBackoff.count + 3
        for _ in 0..<tries {
            let effects = run.refresh(
                .commitFailed(reference, refreshed, .unavailable(.full)), dead)
            #expect(!effects.contains(.releaseLock(Attempt(7))))
            told += effects
            #expect(
                run.refresh(.waited, dead) == [.commit(Attempt(7), reference, refreshed)])
        }
        #expect(told.failure() == .store(.unavailable(.full)))
        let next = try sample.opened(generation: 6, obtained: dead)
        #expect(
            run.refresh(.committed(.committed(next)), dead).contains(.releaseLock(Attempt(7))))
        #expect(run.state == .signedIn(SignedIn(next)))
    }

    @Test("Peers: a refresh that is refused is not asked for again within its interval")
    func noHotLoop() throws {
        let session = try sample.opened()
        var run = requesting(session, sample.waiter())
        _ = run.refresh(
            .answered(session.record.reference, .rejected(code: "invalid_client")), dead)
        _ = run.refresh(.closed(nil), dead)
        for id in UInt64(10)..<20 {
            let effects = run.ask(sample.waiter(id), dead.advanced(by: .milliseconds(500)))
            #expect(effects.count == 1)
            #expect(effects.failure(id) == .tokenEndpointRejected(code: "invalid_client"))
        }
        let interval = sample.machine.policy.refusalInterval
        #expect(run.ask(sample.waiter(30), dead.advanced(by: interval)).woken.isEmpty)
        #expect(run.stage == "locking")
    }

    @Test("Peers: tokens that never live as long as asked are served without a refresh each time")
    func noHotLoopOnShortTokens() throws {
        let session = try sample.opened()
        let need = TokenNeed(remainingMin: .seconds(60))
        var run = requesting(session, sample.waiter(1, need))
        let refreshed = try sample.refreshed(lifetime: .seconds(40), obtained: dead)
        _ = run.refresh(.answered(session.record.reference, .tokens(refreshed)), dead)
        let next = try sample.opened(
            generation: 6, lifetime: .seconds(40), obtained: dead)
        #expect(run.refresh(.committed(.committed(next)), dead).token() != nil)
        let soon = dead.advanced(by: .seconds(5))
        #expect(run.ask(sample.waiter(2, need), soon).token(2)?.generation == Generation(6))
    }

    @Test("Peers: after an early refresh has failed, the valid token is served and it rests")
    func earlyFailureRests() throws {
        let session = try sample.opened()
        let now = sample.moment(3560)
        let need = TokenNeed(remainingMin: .seconds(60))
        var run = sample.signedIn(session)
        run.reachRequest(sample, session, sample.waiter(1, need), at: now)
        let answer = RefreshAnswer.serverError(status: 503, retryAfter: .seconds(9))
        _ = run.refresh(.answered(session.record.reference, answer), now)
        #expect(run.refresh(.closed(nil), now).token()?.generation == Generation(5))
        let effects = run.ask(sample.waiter(2, need), now.advanced(by: .seconds(20)))
        #expect(effects.token(2)?.generation == Generation(5))
        #expect(effects.count == 1)
        #expect(run.ask(sample.waiter(3, need), now.advanced(by: .seconds(30))).woken.isEmpty)
    }

    @Test("Peers: no 4xx but invalid_grant signs out, and that only for what the store holds")
    func only4xxInvalidGrant() throws {
        let session = try sample.opened()
        for code in ["invalid_client", "unauthorized_client", "invalid_request", "", "x"] {
            var run = requesting(session, sample.waiter())
            _ = run.refresh(.answered(session.record.reference, .rejected(code: code)), dead)
            _ = run.refresh(.closed(nil), dead)
            #expect(run.state.name == .signedIn, "\(code)")
        }
    }

    @Test("Peers: a leeway of 60 s is 60 seconds")
    func leewayUnit() throws {
        let policy = RefreshPolicy()
        let lead = policy.lead(lifetime: .seconds(3600), jitter: 1)
        #expect(lead == .seconds(60))
        #expect(policy.lead(lifetime: .seconds(3600), jitter: 0) == .seconds(30))
        #expect(policy.lead(lifetime: .seconds(50), jitter: 1) == .seconds(10))
        #expect(policy.lead(lifetime: nil, jitter: 1) == .zero)
        var run = sample.signedIn(try sample.opened())
        let need = TokenNeed(remainingMin: lead)
        #expect(run.ask(sample.waiter(1, need), sample.moment(3539)).token() != nil)
        #expect(run.ask(sample.waiter(2, need), sample.moment(3541)).woken.isEmpty)
    }

    @Test("Peers: two different wants at once share one refresh, so the family cannot fork")
    func twoWantsOneRefresh() throws {
        let session = try sample.opened()
        let now = sample.moment(3570)
        var run = sample.signedIn(session)
        _ = run.ask(sample.waiter(1, TokenNeed(remainingMin: .seconds(60))), now, attempt: 7)
        let joined = run.ask(
            sample.waiter(2, TokenNeed(newerThan: Generation(5))), now, attempt: 8)
        #expect(joined.isEmpty)
        _ = run.refresh(.locked, now)
        _ = run.refresh(.read(.opened(session)), now)
        #expect(run.refresh(.marked(true), now).sendCount == 1)
        #expect(run.ask(sample.waiter(3, TokenNeed(newerThan: Generation(5))), now).isEmpty)
    }

    @Test("Peers: callers are resumed after the rotated token is saved, never before")
    func savedBeforeResumed() throws {
        let session = try sample.opened()
        let refreshed = try sample.refreshed(obtained: dead)
        var run = requesting(session, sample.waiter())
        let answered = run.refresh(
            .answered(session.record.reference, .tokens(refreshed)), dead)
        #expect(answered.woken.isEmpty)
        #expect(run.waiters.count == 1)
        let failed = run.refresh(
            .commitFailed(session.record.reference, refreshed, .unavailable(.busy)), dead)
        #expect(failed.woken.isEmpty)
        _ = run.refresh(.waited, dead)
        let next = try sample.opened(generation: 6, obtained: dead)
        #expect(run.refresh(.committed(.committed(next)), dead).token() != nil)
    }
}
