import AuthModels
import AuthSession
import Testing

/// The refresh rules, as far as the machine decides them; the numbers are cases.
@Suite("Refresh rules")
struct AuthMachineCaseTests {
    let sample: MachineSample
    let dead: Moment

    init() throws {
        sample = try MachineSample()
        dead = sample.moment(4000)
    }

    private var settling: Duration { sample.machine.policy.settling }

    /// A refresh whose request is on its way.
    private func requesting(
        _ session: OpenedSession, _ waiter: Waiter? = nil, at now: Moment? = nil
    ) -> MachineRun {
        var run = sample.signedIn(session)
        run.reachRequest(sample, session, waiter ?? sample.waiter(), at: now ?? dead)
        return run
    }

    @Test("Case 60: a process with an old generation in memory takes the store's newer one")
    func staleSibling() throws {
        var run = sample.signedIn(try sample.opened(generation: 5))
        _ = run.ask(sample.waiter(), dead)
        _ = run.refresh(.locked, dead)
        let newer = try sample.opened(generation: 6, obtained: dead)
        let effects = run.refresh(.read(.opened(newer)), dead)
        #expect(effects.token()?.generation == Generation(6))
        #expect(effects.sendCount == 0)
        #expect(effects.contains(.releaseLock(Attempt(7))))
        #expect(run.state == .signedIn(SignedIn(newer)))
    }

    @Test("Case 61: invalid_grant for an old generation ends nothing; the newer one is used")
    func invalidGrantForAnOldGeneration() throws {
        let session = try sample.opened()
        var run = requesting(session)
        let effects = run.refresh(.answered(session.record.reference, .invalidGrant), dead)
        #expect(effects == [.readSession(Attempt(7))], "it must be read again first")
        let newer = try sample.opened(generation: 6, obtained: dead)
        let adopted = run.refresh(.read(.opened(newer)), dead)
        #expect(adopted.token()?.generation == Generation(6))
        #expect(!adopted.contains { if case .expire = $0 { true } else { false } })
    }

    @Test("Case 62: invalid_grant for the current generation ends the session as revoked, once")
    func invalidGrantForTheCurrentGeneration() throws {
        let session = try sample.opened()
        let reference = session.record.reference
        var run = requesting(session)
        _ = run.refresh(.answered(reference, .invalidGrant), dead)
        #expect(
            run.refresh(.read(.opened(session)), dead)
                == [.expire(Attempt(7), reference, .revoked, discarding: nil)])
        let effects = run.refresh(.expired(true), dead)
        #expect(effects.failure() == .loginRequired(.ended(.revoked)))
        for number in 0..<100 {
            let later = run.ask(sample.waiter(100 + UInt64(number)), dead)
            #expect(later.count == 1, "only the caller is told, nothing is sent")
        }
    }

    @Test(
        "Case 64: another 4xx keeps the session, clears the mark and has its own kind",
        arguments: ["invalid_client", "invalid_request", "unauthorized_client", ""])
    func other4xx(code: String) throws {
        let session = try sample.opened()
        let reference = session.record.reference
        var run = requesting(session)
        #expect(
            run.refresh(.answered(reference, .rejected(code: code)), dead)
                == [.clearMark(Attempt(7), reference)])
        let effects = run.refresh(.closed(nil), dead)
        #expect(effects.failure() == .tokenEndpointRejected(code: code))
        guard case .signedIn(let kept) = run.state else {
            Issue.record("the session is gone")
            return
        }
        #expect(kept.record == session.record)
    }

    @Test("Case 65: after a lost answer there is one replay, after the settling time")
    func oneReplay() throws {
        let session = try sample.opened()
        let reference = session.record.reference
        var run = requesting(session)
        #expect(
            run.refresh(.answered(reference, .lost("reset")), dead)
                == [.wait(Attempt(7), settling)])
        #expect(run.refresh(.waited, dead) == [.mark(Attempt(7), reference)])
        #expect(run.refresh(.marked(true), dead) == [.send(Attempt(7), session)])
        let effects = run.refresh(.answered(reference, .lost("reset")), dead)
        #expect(effects.failure() == .transient("reset", retryAfter: nil))
        #expect(effects.sendCount == 0)
        #expect(!effects.contains(.clearMark(Attempt(7), reference)), "the mark must stay")
        #expect(run.state.name == .signedIn)
    }

    @Test(
        "Case 65: a mark, however old, allows one more try after the settling time, and no replay",
        arguments: [0.0, -0.5, -30, -86_400])
    func laterCall(markedAt seconds: Double) throws {
        let marked = try sample.opened(mark: sample.mark(4000 + seconds))
        let reference = marked.record.reference
        var run = sample.signedIn(marked)
        _ = run.ask(sample.waiter(), dead)
        _ = run.refresh(.locked, dead)
        #expect(
            run.refresh(.read(.opened(marked)), dead) == [.wait(Attempt(7), settling)],
            "the sender may have been killed a moment ago")
        _ = run.refresh(.waited, dead)
        #expect(run.refresh(.marked(true), dead).sendCount == 1)
        let effects = run.refresh(.answered(reference, .lost("reset")), dead)
        #expect(effects.failure() == .transient("reset", retryAfter: nil))
    }

    @Test("Case 65: invalid_grant while the mark stands is outcomeUnknown, told as that")
    func outcomeUnknown() throws {
        let marked = try sample.opened(mark: sample.mark(3990))
        let reference = marked.record.reference
        var run = requesting(marked)
        _ = run.refresh(.answered(reference, .invalidGrant), dead)
        #expect(
            run.refresh(.read(.opened(marked)), dead)
                == [.expire(Attempt(7), reference, .outcomeUnknown, discarding: nil)])
        let effects = run.refresh(.expired(true), dead)
        #expect(effects.failure() == .loginRequired(.ended(.outcomeUnknown)))
    }

    @Test("Case 65: a 4xx on the replay says nothing of the first request, so its mark stays")
    func rejectedReplay() throws {
        let session = try sample.opened()
        let reference = session.record.reference
        var run = requesting(session)
        _ = run.refresh(.answered(reference, .lost("reset")), dead)
        _ = run.refresh(.waited, dead)
        _ = run.refresh(.marked(true), dead)
        let effects = run.refresh(
            .answered(reference, .rejected(code: "invalid_client")), dead)
        #expect(!effects.contains(.clearMark(Attempt(7), reference)))
        #expect(effects.failure() == .tokenEndpointRejected(code: "invalid_client"))
    }

    @Test("Case 65: an old mark of another generation means nothing")
    func foreignMark() throws {
        let session = try sample.opened(mark: sample.mark(3999, generation: 4))
        var run = sample.signedIn(session)
        _ = run.ask(sample.waiter(), dead)
        _ = run.refresh(.locked, dead)
        let effects = run.refresh(.read(.opened(session)), dead)
        #expect(effects == [.mark(Attempt(7), session.record.reference)])
    }

    @Test("Case 69: a stopped holder of the lock is waited for, so long and no longer")
    func stoppedHolder() throws {
        var run = sample.signedIn(try sample.opened())
        let lockWait = sample.machine.policy.lockWait
        #expect(
            run.ask(sample.waiter(), dead) == [.acquireLock(Attempt(7), within: lockWait)])
        guard case .busy? = run.refresh(.lockFailed(.busy), dead).failure() else {
            Issue.record("not told that it is busy")
            return
        }
        #expect(run.state.name == .signedIn)
    }

    @Test("Case 69: while the holder is stopped, a token that is still valid is served")
    func stoppedHolderValidToken() throws {
        let now = sample.moment(3580)
        var run = sample.signedIn(try sample.opened())
        _ = run.ask(sample.waiter(1, TokenNeed(remainingMin: .seconds(60))), now)
        #expect(run.refresh(.lockFailed(.busy), now).token()?.generation == Generation(5))
        let next = run.ask(sample.waiter(2, TokenNeed(remainingMin: .seconds(60))), now)
        #expect(next.token(2)?.generation == Generation(5), "and the next caller at once")
        #expect(next.count == 1)
    }

    @Test("Case 71: an answer for someone else ends the session, and no token of it is used")
    func identityChanged() throws {
        let session = try sample.opened()
        let reference = session.record.reference
        let foreign = try sample.refreshed(obtained: dead)
        var run = requesting(session)
        #expect(
            run.refresh(.answered(reference, .identityChanged(foreign)), dead)
                == [.expire(Attempt(7), reference, .identityChanged, discarding: foreign)])
        let effects = run.refresh(.expired(true), dead)
        #expect(effects.failure() == .loginRequired(.ended(.identityChanged)))
        #expect(run.state == .expired(session.record, .identityChanged))
    }

    @Test("Case 73: jumps of the wall clock cause no refresh", arguments: [63_072_000.0, -3600])
    func wallClockJumps(by seconds: Double) throws {
        var run = sample.signedIn(try sample.opened())
        let now = sample.moment(10, wall: 10 + seconds)
        #expect(run.ask(sample.waiter(), now).token()?.generation == Generation(5))
    }

    @Test("Case 73: one second around the end of the token decides between serving and refreshing")
    func aroundExpiry() throws {
        var run = sample.signedIn(try sample.opened())
        #expect(run.ask(sample.waiter(1), sample.moment(3599)).token() != nil)
        #expect(run.ask(sample.waiter(2), sample.moment(3600)).woken.isEmpty)
        #expect(run.stage == "locking")
    }

    @Test("Case 73: a clock at 1970 after a reboot leads to one refresh, then to peace")
    func clockAt1970() throws {
        let session = try sample.opened()
        let reborn = sample.moment(50, wall: -1_900_000_000, boot: "two")
        var run = requesting(session, at: reborn)
        #expect(run.stage == "requesting")
        let next = try sample.opened(generation: 6, obtained: reborn)
        let refreshed = try sample.refreshed(obtained: reborn)
        _ = run.refresh(.answered(session.record.reference, .tokens(refreshed)), reborn)
        _ = run.refresh(.committed(.committed(next)), reborn)
        let later = sample.moment(60, wall: -1_899_999_990, boot: "two")
        #expect(run.ask(sample.waiter(2), later).token(2)?.generation == Generation(6))
    }

    @Test("Case 73: eight hours of suspend are seen, and cost one refresh")
    func suspend() throws {
        var run = sample.signedIn(try sample.opened())
        let morning = sample.moment(8 * 3600)
        #expect(run.ask(sample.waiter(1), morning).woken.isEmpty)
        #expect(run.ask(sample.waiter(2), morning).isEmpty, "it joins")
        #expect(run.waiters.count == 2)
    }

    @Test("Case 75: a sign-out does not wait for the refresh, whose tokens come back as revoked")
    func signOutDuringRefresh() throws {
        let session = try sample.opened()
        let reference = session.record.reference
        var run = requesting(session)
        let effects = run.send(.signOutRequested(Attempt(8)))
        #expect(effects.contains(.storeSignOut(Attempt(8))))
        #expect(effects.failure() == .loginRequired(.never))
        _ = run.send(.signOutStored(Attempt(8)))
        #expect(run.state == .signedOut)
        let late = try sample.refreshed(obtained: dead)
        #expect(
            run.refresh(.answered(reference, .tokens(late)), dead)
                == [.dispose(Attempt(7), reference, late)])
        #expect(run.state == .signedOut, "the refresh must not bring the session back")
        #expect(
            run.refresh(.disposed, dead) == [.releaseLock(Attempt(7)), .sendRevocations])
    }

    @Test("Case 75: a commit that finds another session reads again and sends nothing")
    func superseded() throws {
        let session = try sample.opened()
        var run = requesting(session)
        _ = run.refresh(
            .answered(session.record.reference, .tokens(try sample.refreshed())), dead)
        let effects = run.refresh(.committed(.superseded), dead)
        #expect(effects == [.sendRevocations, .readSession(Attempt(7))])
        #expect(run.refresh(.read(.none), dead).failure() == .loginRequired(.never))
        #expect(run.state == .signedOut)
    }

    @Test("Case 77: a token that the API refuses for ever costs one refresh a call, no more")
    func refusedForEver() throws {
        var session = try sample.opened()
        let now = sample.moment(10)
        for generation in Int64(5)..<8 {
            var run = sample.signedIn(session)
            let need = TokenNeed(newerThan: Generation(generation))
            #expect(run.ask(sample.waiter(1, need), now).woken.isEmpty)
            _ = run.refresh(.locked, now)
            _ = run.refresh(.read(.opened(session)), now)
            #expect(run.refresh(.marked(true), now).sendCount == 1)
            _ = run.refresh(
                .answered(
                    session.record.reference,
                    .tokens(try sample.refreshed(generation: generation + 1))), now)
            session = try sample.opened(generation: generation + 1)
            let effects = run.refresh(.committed(.committed(session)), now)
            #expect(effects.token()?.generation == Generation(generation + 1))
            #expect(run.state == .signedIn(SignedIn(session)), "and the session stays")
        }
    }

    @Test("Case 77: a 401 that names an old generation is served the newer one, unrefreshed")
    func refusedOldGeneration() throws {
        var run = sample.signedIn(try sample.opened(generation: 6))
        let effects = run.ask(
            sample.waiter(1, TokenNeed(newerThan: Generation(5))), sample.moment(10))
        #expect(effects.token()?.generation == Generation(6))
        #expect(effects.count == 1)
    }
}
