import AuthModels
import AuthSession

// What goes wrong, and the calm at the end in which all must come to rest.
extension World {
    func scheduleDisturbance() {
        after(random.between(.ms(10), 2 * weather.disturbancePause)) {
            guard !self.isCalm else { return }
            self.disturb()
            self.scheduleDisturbance()
        }
    }

    private func disturb() {
        let process = processes[random.below(processes.count)]
        switch random.below(20) {
        case 0, 1, 2, 3: kill(process)
        case 4, 5: stop(process, for: random.between(.ms(10), .s(90)))
        case 6: suspendAll()
        case 7: reboot()
        case 8, 9:
            let jump = random.pick(63_072_000.0, -3600, -1_700_000_000, 1, -1, 60)
            note { "the wall clock jumps by \(jump) s" }
            clock.jumpWall(by: jump)
        case 10: window("the disk is full") { self.store.isFull = $0 }
        case 11: window("the key is out of reach") { self.store.isKeyOut = $0 }
        case 12: window("no network") { self.isNetworkDown = $0 }
        case 13: window("the provider is down") { self.isProviderDown = $0 }
        case 14:
            if weather.mayRevoke, let refresh = store.tokens?.refresh?.reveal() {
                note { "the provider revokes the session" }
                provider.revokeByProvider(refresh)
            }
        case 15: requestSignOut(process)
        default: kill(process)
        }
    }

    /// People sign in again when they have to, and sometimes when they need not.
    func scheduleSignIn() {
        after(random.between(.ms(500), .s(6))) {
            guard !self.isCalm else { return }
            self.signInWhereNeeded(self.processes[self.random.below(self.processes.count)])
            self.scheduleSignIn()
        }
    }

    private func signInWhereNeeded(_ process: SimulatedProcess) {
        if store.record?.phase != .active || random.chance(0.02) { requestSignIn(process) }
    }

    private func window(_ name: String, _ set: @escaping (Bool) -> Void) {
        note { name }
        set(true)
        after(random.between(.ms(50), .s(30))) {
            self.note { "over: \(name)" }
            set(false)
        }
    }

    private func suspendAll() {
        note { "the machine is suspended" }
        let rest = random.between(.s(1), .s(120))
        for process in processes { stop(process, for: rest) }
    }

    private func reboot() {
        note { "the machine reboots" }
        counts.reboots += 1
        for process in processes { kill(process) }
        clock.reboot(at: now)
    }

    /// After each action of a process: faults that are aimed at a refresh under way.
    func disturbRefresh(of process: SimulatedProcess) {
        guard !isCalm, process.isAlive, !process.isStopped, case .refreshing = process.state else {
            return
        }
        var (isWaiting, isRequesting) = (false, false)
        if case .refreshing(let refreshing) = process.state {
            switch refreshing.stage {
            case .pausing, .settling: isWaiting = true
            case .requesting: isRequesting = true
            case .locking, .reading, .marking, .closing, .confirming, .expiring,
                .committing:
                break
            }
        }
        let signOut = weather.signOutInRefresh * (isWaiting ? 20 : 1)
        if isRequesting, random.chance(weather.storeFaultInRequest) {
            if random.chance(0.6) {
                window("the disk is full") { self.store.isFull = $0 }
            } else {
                window("the key is out of reach") { self.store.isKeyOut = $0 }
            }
        }
        if random.chance(weather.killInRefresh) {
            kill(process)
        } else if random.chance(weather.stopInRefresh) {
            stop(process, for: random.between(.ms(10), .s(60)))
        } else if random.chance(signOut) {
            requestSignOut(process)
        }
    }

    // MARK: Calm

    /// No more faults and no more callers: what is under way must end by itself.
    func calmDown() {
        note { "calm" }
        isCalm = true
        weather.calm()
        store.isFull = false
        store.isKeyOut = false
        isNetworkDown = false
        isProviderDown = false
        for process in processes {
            if process.isAlive { resume(process) } else { start(process) }
        }
        // Windows that still close by themselves only close what is closed.
        for pause in [Instant.s(150), .s(200)] {
            after(pause) { self.sendRevocations(self.processes[0]) }
        }
        after(.s(170)) { self.proveLiveness() }
    }

    /// A session that the provider would refresh must still work, and from every process.
    private func proveLiveness() {
        for process in processes {
            guard process.isAlive else {
                fail(5, "p\(process.index) is dead in the calm")
                return
            }
        }
        let isActive = store.record?.phase == .active
        let refresh = store.tokens?.refresh?.reveal()
        let works = refresh.map { provider.honours($0, at: now) } ?? false
        let generation = store.record?.generation ?? .zero
        let process = processes[random.below(processes.count)]
        requestFinal(process, newerThan: generation) { result in
            switch result {
            case .success: break
            case .failure(let error):
                if isActive, works { self.fail(7, "a working session fails: \(error)") }
            }
        }
    }
}
