import AuthModels
import AuthSession
import Testing

/// The important transitions, told one by one.
@Suite("The auth machine")
struct AuthMachineTests {
    let sample: MachineSample

    init() throws { sample = try MachineSample() }

    // MARK: Signing in

    @Test("A sign-in goes from the browser to the exchange to a session, and its asker is told")
    func signIn() throws {
        var run = MachineRun(machine: sample.machine, state: .signedOut)
        let session = try sample.opened()
        #expect(run.send(.signInRequested(Attempt(1))) == [.beginSignIn(Attempt(1))])
        #expect(run.send(.redirectReceived(Attempt(1))) == [.exchangeCode(Attempt(1))])
        #expect(
            run.send(.signInStored(Attempt(1), session))
                == [.endSignIn(Attempt(1), .success(session.record)), .sendRevocations])
        #expect(run.state == .signedIn(SignedIn(session)))
    }

    @Test("A sign-in that fails leaves what was there before")
    func signInFails() throws {
        let before = SignedIn(try sample.opened())
        var run = MachineRun(machine: sample.machine, state: .signedIn(before))
        _ = run.send(.signInRequested(Attempt(1)))
        let effects = run.send(.signInFailed(Attempt(1), .callbackTimeout))
        #expect(
            effects == [
                .abandonSignIn(Attempt(1)), .endSignIn(Attempt(1), .failure(.callbackTimeout)),
            ])
        #expect(run.state == .signedIn(before))
    }

    @Test("Cancelled while the code is exchanged, a sign-in is finished: its tokens have a keeper")
    func cancelledExchange() throws {
        var run = MachineRun(machine: sample.machine, state: .signedOut)
        let session = try sample.opened()
        _ = run.send(.signInRequested(Attempt(1)))
        _ = run.send(.redirectReceived(Attempt(1)))
        #expect(run.send(.signInCancelled(Attempt(1))) == [])
        _ = run.send(.signInStored(Attempt(1), session))
        #expect(run.state == .signedIn(SignedIn(session)))
    }

    @Test("While a person signs in again, a token that is still valid is served")
    func tokenWhileSigningIn() throws {
        var run = sample.signedIn(try sample.opened())
        _ = run.send(.signInRequested(Attempt(1)))
        #expect(run.ask(sample.waiter(), sample.moment(10)).token()?.generation == Generation(5))
    }

    @Test("A second sign-in is told that one is under way")
    func secondSignIn() throws {
        var run = MachineRun(machine: sample.machine, state: .signedOut)
        _ = run.send(.signInRequested(Attempt(1)))
        let effects = run.send(.signInRequested(Attempt(2)))
        guard case .endSignIn(Attempt(2), .failure(.busy))? = effects.first else {
            Issue.record("got \(effects)")
            return
        }
    }

    @Test("A sign-in that is stored after a sign-out is signed out too")
    func lateSignIn() throws {
        var run = MachineRun(machine: sample.machine, state: .signedOut)
        _ = run.send(.signInRequested(Attempt(1)))
        _ = run.send(.redirectReceived(Attempt(1)))
        _ = run.send(.signOutRequested(Attempt(2)))
        _ = run.send(.signOutStored(Attempt(2)))
        #expect(run.state == .signedOut)
        let effects = run.send(.signInStored(Attempt(1), try sample.opened()))
        #expect(effects == [.storeSignOut(Attempt(1))])
        #expect(run.state.name == .signingOut)
    }

    // MARK: Tokens

    @Test("A token that meets the need is served at once, with nothing to do")
    func served() throws {
        var run = sample.signedIn(try sample.opened())
        let effects = run.ask(
            sample.waiter(1, TokenNeed(remainingMin: .seconds(60))), sample.moment(10))
        #expect(effects.count == 1)
        #expect(effects.token()?.generation == Generation(5))
    }

    @Test("Nobody signed in: asking for a token says so and sends nothing")
    func nobody() throws {
        var run = MachineRun(machine: sample.machine, state: .signedOut)
        #expect(run.ask(sample.waiter(), sample.moment()).failure() == .loginRequired(.never))
        run.state = .expired(try sample.record(), .revoked)
        #expect(
            run.ask(sample.waiter(), sample.moment()).failure()
                == .loginRequired(.ended(.revoked)))
    }

    @Test("A refresh goes lock, read, mark, send, commit, and only then is the caller woken")
    func refresh() throws {
        let dead = sample.moment(4000)
        let session = try sample.opened()
        let reference = session.record.reference
        let refreshed = try sample.refreshed(obtained: dead)
        var run = sample.signedIn(session)
        let lockWait = sample.machine.policy.lockWait
        #expect(
            run.ask(sample.waiter(), dead) == [.acquireLock(Attempt(7), within: lockWait)])
        #expect(run.refresh(.locked, dead) == [.readSession(Attempt(7))])
        #expect(run.refresh(.read(.opened(session)), dead) == [.mark(Attempt(7), reference)])
        #expect(run.refresh(.marked(true), dead) == [.send(Attempt(7), session)])
        #expect(
            run.refresh(.answered(reference, .tokens(refreshed)), dead)
                == [.commit(Attempt(7), reference, refreshed)])
        let next = try sample.opened(generation: 6, obtained: dead)
        let effects = run.refresh(.committed(.committed(next)), dead)
        #expect(effects.token()?.generation == Generation(6))
        #expect(effects.contains(.releaseLock(Attempt(7))))
        #expect(run.state == .signedIn(SignedIn(next)))
    }

    @Test("Who still has a valid token tries the lock once and goes on with that token")
    func earlyRefreshOfAnother() throws {
        var run = sample.signedIn(try sample.opened())
        let now = sample.moment(3570)
        let need = TokenNeed(remainingMin: .seconds(60))
        #expect(
            run.ask(sample.waiter(1, need), now) == [.acquireLock(Attempt(7), within: .zero)])
        let effects = run.refresh(.lockFailed(.busy), now)
        #expect(effects.token()?.generation == Generation(5))
        #expect(run.state.name == .signedIn)
    }

    @Test("Who joins an early refresh with nothing to go on with makes it wait for the lock")
    func patience() throws {
        var run = sample.signedIn(try sample.opened())
        let now = sample.moment(3570)
        _ = run.ask(sample.waiter(1, TokenNeed(remainingMin: .seconds(60))), now)
        #expect(run.ask(sample.waiter(2, TokenNeed(newerThan: Generation(5))), now) == [])
        let effects = run.refresh(.lockFailed(.busy), now)
        #expect(effects.token(1)?.generation == Generation(5))
        let lockWait = sample.machine.policy.lockWait
        #expect(effects.contains(.acquireLock(Attempt(7), within: lockWait)))
        #expect(run.waiters.map(\.id) == [Waiter.ID(2)])
    }

    @Test("A caller who leaves is told; the refresh goes on for the others")
    func cancelled() throws {
        let now = sample.moment(4000)
        var run = sample.signedIn(try sample.opened())
        _ = run.ask(sample.waiter(1), now)
        _ = run.ask(sample.waiter(2), now)
        #expect(
            run.send(.waiterCancelled(Waiter.ID(1)))
                == [.wake(Waiter.ID(1), .failure(.cancelled))])
        #expect(run.waiters.map(\.id) == [Waiter.ID(2)])
        #expect(run.stage == "locking")
    }

    @Test("When all have left before anything was sent, nothing is sent")
    func allCancelled() throws {
        let now = sample.moment(4000)
        let session = try sample.opened()
        var run = sample.signedIn(session)
        _ = run.ask(sample.waiter(1), now)
        _ = run.send(.waiterCancelled(Waiter.ID(1)))
        _ = run.refresh(.locked, now)
        #expect(run.refresh(.read(.opened(session)), now) == [.releaseLock(Attempt(7))])
        #expect(run.state.name == .signedIn)
    }

    // MARK: Signing out

    @Test("A sign-out that the store refuses leaves the session, and its asker is told")
    func signOutFails() throws {
        let before = SignedIn(try sample.opened())
        var run = MachineRun(machine: sample.machine, state: .signedIn(before))
        #expect(run.send(.signOutRequested(Attempt(1))) == [.storeSignOut(Attempt(1))])
        _ = run.send(.signOutRequested(Attempt(2)))
        let error = AuthError.store(.unavailable(.full))
        #expect(
            run.send(.signOutFailed(Attempt(1), error))
                == [.endSignOut(Attempt(1), error), .endSignOut(Attempt(2), error)])
        #expect(run.state == .signedIn(before))
    }

    @Test("A refresh left behind while its tokens cannot be stored keeps its lock until they are")
    func signOutInPause() throws {
        let now = sample.moment(4000)
        let session = try sample.opened()
        let refreshed = try sample.refreshed(obtained: now)
        var run = sample.signedIn(session)
        run.reachRequest(sample, session, sample.waiter(), at: now)
        _ = run.refresh(.answered(session.record.reference, .tokens(refreshed)), now)
        _ = run.refresh(
            .commitFailed(session.record.reference, refreshed, .unavailable(.full)), now)
        let dispose = AuthEffect.dispose(Attempt(7), session.record.reference, refreshed)
        #expect(run.send(.signOutRequested(Attempt(8))).contains(dispose))
        #expect(run.refresh(.waited, now) == [], "the lock was given back before the tokens")
        #expect(run.refresh(.disposed, now).contains(.releaseLock(Attempt(7))))
    }

    @Test("A late answer for someone else is never stored, whatever became of the sign-out")
    func lateForeignTokens() throws {
        let now = sample.moment(4000)
        let session = try sample.opened()
        let reference = session.record.reference
        let foreign = try sample.refreshed(obtained: now)
        var run = sample.signedIn(session)
        run.reachRequest(sample, session, sample.waiter(), at: now)
        _ = run.send(.signOutRequested(Attempt(8)))
        #expect(
            run.refresh(.answered(reference, .identityChanged(foreign)), now)
                == [.expire(Attempt(7), reference, .identityChanged, discarding: foreign)])
    }

    // MARK: Observation

    @Test("What another process has stored is taken over; an older reading is not")
    func observation() throws {
        var run = sample.signedIn(try sample.opened(generation: 5))
        _ = run.send(.sessionObserved(.opened(try sample.opened(generation: 4))))
        #expect(run.state == .signedIn(SignedIn(try sample.opened(generation: 5))))
        _ = run.send(.sessionObserved(.sealed(try sample.record(generation: 4))))
        #expect(run.state == .signedIn(SignedIn(try sample.opened(generation: 5))))
        _ = run.send(.sessionObserved(.opened(try sample.opened(generation: 6))))
        #expect(run.state == .signedIn(SignedIn(try sample.opened(generation: 6))))
        _ = run.send(.sessionObserved(.none))
        #expect(run.state == .signedOut)
    }
}
