import AuthModels
import AuthSession

/// One seed's machine, network and provider, with the processes that share an account.
///
/// Assumption: a request whose sender gave up or died arrives within less than the settling time
/// after that, or never. (`Mutant.lateRequests` breaks it.)
final class World {
    let options: Options
    var random: SeededRandom
    var weather: Weather
    let machine = AuthMachine()
    let fixtures: Fixtures

    var agenda = Agenda()
    var now: Instant = 0
    var clock = SimulatedClock()
    var store = SimulatedStore()
    var provider: SimulatedProvider
    var lock = SimulatedLock()
    var processes: [SimulatedProcess] = []
    /// Those with the current refresh token and the youngest others.
    var requests: [SimulatedRequest] = []
    var requestCount = 0

    var isCalm = false
    var isNetworkDown = false
    var isProviderDown = false

    var ledger = Ledger()
    var counts = Counts()
    var violation: Violation?
    /// Callers whose results are looked at, in the calm at the end.
    var finals: [Ledger.Key: (Result<IssuedToken, AuthError>) -> Void] = [:]

    init(_ options: Options, fixtures: Fixtures) {
        self.options = options
        self.fixtures = fixtures
        random = SeededRandom(seed: options.seed)
        weather = Weather(random: &random)
        provider = SimulatedProvider(rotation: weather.rotation)
        store.ignoresReference = options.mutant == .signOutNoCAS
        store.revokesCurrent = options.mutant == .revokeCurrent
        counts.seeds = 1
    }

    // MARK: Time

    func after(_ delay: Instant, _ action: @escaping () -> Void) {
        agenda.add(at: now + delay, by: nil, action)
    }

    /// What a process does; it dies with the process and waits while the process is stopped.
    func after(_ delay: Instant, by process: SimulatedProcess, _ action: @escaping () -> Void) {
        agenda.add(at: now + delay, by: (process.index, process.life), action)
    }

    func moment() -> Moment { clock.moment(at: now) }

    func run() {
        note { "\(self.weather)" }
        signInBeforehand()
        for index in 0..<weather.processes {
            let process = SimulatedProcess(index: index)
            processes.append(process)
            start(process)
        }
        scheduleDisturbance()
        scheduleSignIn()
        after(weather.duration) { self.calmDown() }
        while violation == nil, let entry = agenda.popFirst() {
            now = max(now, entry.time)
            counts.steps += 1
            if counts.steps > Self.stepsMax {
                fail(9, "more than \(Self.stepsMax) steps: something loops")
                break
            }
            perform(entry)
        }
        if violation == nil { checkEnd() }
        counts.simulated = weather.duration
        agenda.removeAll()
    }

    static let stepsMax = 400_000

    private func perform(_ entry: Agenda.Entry) {
        guard let doer = entry.doer else {
            entry.action()
            return
        }
        let process = processes[doer.process]
        guard process.isAlive, process.life == doer.life else { return }
        if process.isStopped {
            process.deferred.append(entry.action)
        } else {
            entry.action()
            disturbRefresh(of: process)
        }
    }

    func fail(_ invariant: Int, _ what: String) {
        if violation == nil { violation = Violation(invariant: invariant, what: what) }
        note { "VIOLATION of invariant \(invariant): \(what)" }
    }

    func note(_ text: () -> String) {
        guard options.isTraced else { return }
        let time = "\(now / 1_000_000).\(String(String(now % 1_000_000 + 1_000_000).dropFirst()))"
        print("\(time)  \(text())")
    }

    // MARK: Machine

    func apply(_ process: SimulatedProcess, _ event: AuthEvent) {
        let (next, effects) = machine.step(process.state, event)
        note {
            "p\(process.index) \(Describe.event(event)): \(Describe.state(process.state)) → "
                + "\(Describe.state(next)) \(effects.map(Describe.effect))"
        }
        if next != process.state { process.epoch += 1 }
        process.state = next
        for effect in effects { run(effect, in: process) }
        checkAttempts(of: process)
    }

    func report(_ process: SimulatedProcess, _ attempt: Attempt, _ event: RefreshEvent) {
        process.pending[attempt.number, default: 0] -= 1
        apply(process, .refresh(attempt, event, moment()))
    }

    // MARK: Lives

    private func signInBeforehand() {
        let granted = provider.signIn()
        do throws(StoreError) {
            let session = try store.signIn(newSession(granted))
            ledger.noteCommitted(session)
            provider.setFate(granted.refresh, .durable)
        } catch {
            fail(0, "the first sign-in failed: \(error)")
        }
    }

    func start(_ process: SimulatedProcess) {
        process.start()
        note { "p\(process.index) starts" }
        let stored = store.readSealed()
        apply(process, .sessionObserved(stored))
        guard !isCalm else { return }
        for caller in 0..<weather.callers {
            let pause = random.between(0, weather.pause)
            after(pause, by: process) { self.ask(process, caller) }
        }
    }

    func kill(_ process: SimulatedProcess) {
        guard process.isAlive else { return }
        note { "p\(process.index) is killed" }
        counts.kills += 1
        process.isAlive = false
        process.isStopped = false
        process.deferred = []
        ledger.forget(process: process.index)
        for index in requests.indices
        where requests[index].owner.process == process.index && !requests[index].isSenderDone {
            requests[index].outcome = .uncertain
            giveUp(index)
        }
        lock.waiters.removeAll { $0.process == process.index }
        if lock.holder?.process == process.index {
            lock.holder = nil
            grantLock()
        }
        let rest = random.between(.ms(1), .s(20))
        after(isCalm ? .ms(1) : rest) {
            if !process.isAlive { self.start(process) }
        }
    }

    func stop(_ process: SimulatedProcess, for rest: Instant) {
        guard process.isAlive, !process.isStopped else { return }
        note { "p\(process.index) is stopped" }
        counts.stops += 1
        process.isStopped = true
        let life = process.life
        after(rest) {
            if process.life == life { self.resume(process) }
        }
    }

    func resume(_ process: SimulatedProcess) {
        guard process.isAlive, process.isStopped else { return }
        note { "p\(process.index) continues" }
        process.isStopped = false
        let deferred = process.deferred
        process.deferred = []
        for action in deferred { after(0, by: process, action) }
        grantLock()
    }
}
