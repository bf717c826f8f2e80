import AuthModels
import AuthSession

// Requests to the token endpoint: on their way, at the provider, and their answers on the way back.
extension World {
    func send(_ process: SimulatedProcess, _ attempt: Attempt, _ session: OpenedSession) {
        process.pending[attempt.number, default: 0] += 1
        let obtained = moment()
        // Name resolution and the connection take their time before anything is sent.
        let isSlow = random.chance(weather.slowness)
        let connecting = isSlow ? random.between(.ms(1), .s(5)) : random.between(0, .ms(5))
        after(connecting, by: process) {
            if self.isNetworkDown {
                let error = AuthError.transient("connection refused", retryAfter: nil)
                self.report(
                    process, attempt, .answered(session.record.reference, .notSent(error)))
                return
            }
            self.transmit(process, attempt, session, obtained)
        }
    }

    private func transmit(
        _ process: SimulatedProcess, _ attempt: Attempt, _ session: OpenedSession,
        _ obtained: Moment
    ) {
        guard let refreshToken = session.tokens.refresh?.reveal() else {
            fail(1, "a refresh without a refresh token")
            return
        }
        checkSend(process, session)
        let isSlow = random.chance(weather.slowness)
        let travel = isSlow ? random.between(.ms(50), .s(25)) : random.between(.ms(2), .ms(80))
        requestCount += 1
        counts.requests += 1
        let request = SimulatedRequest(
            id: requestCount,
            owner: SimulatedLock.Owner(
                process: process.index, life: process.life, attempt: attempt.number),
            session: session, refreshToken: refreshToken, sentAt: now, obtained: obtained,
            arrivalAt: now + travel)
        requests.append(request)
        note { "request \(request.id) with \(refreshToken) leaves p\(process.index)" }
        let id = request.id
        if random.chance(weather.lossOnNetwork / 2) {
            // The request is lost: a reset, or silence until the deadline.
            if random.chance(0.5) {
                after(random.between(.ms(1), .ms(200)), by: process) { self.lose(id, "reset") }
            }
            if let index = index(of: id) { requests[index].hasLeftNetwork = true }
        } else {
            after(travel) { self.arrive(id, version: 0) }
        }
        after(Instant(machine.policy.requestDeadline), by: process) { self.lose(id, "deadline") }
    }

    func index(of id: Int) -> Int? { requests.lastIndex { $0.id == id } }

    /// The sender will not see an answer any more.
    private func lose(_ id: Int, _ what: String) {
        guard let index = index(of: id), !requests[index].isSenderDone else { return }
        note { "request \(id): \(what)" }
        requests[index].outcome = .uncertain
        giveUp(index)
        answer(requests[index], .lost(what))
    }

    /// What is still on its way arrives soon or never.
    func giveUp(_ index: Int) {
        requests[index].isSenderDone = true
        guard !requests[index].hasLeftNetwork else { return }
        requests[index].arrivalVersion += 1
        guard random.chance(0.5) else {
            requests[index].hasLeftNetwork = true
            return
        }
        let latest: Instant = options.mutant == .lateRequests ? .s(8) : .ms(900)
        let arrival = min(requests[index].arrivalAt, now + random.between(0, latest))
        let (id, version) = (requests[index].id, requests[index].arrivalVersion)
        after(arrival - now) { self.arrive(id, version: version) }
    }

    private func answer(_ request: SimulatedRequest, _ answer: RefreshAnswer) {
        let process = processes[request.owner.process]
        guard process.isAlive, process.life == request.owner.life else { return }
        report(
            process, Attempt(request.owner.attempt),
            .answered(request.session.record.reference, answer))
    }

    // MARK: At the provider

    private func arrive(_ id: Int, version: Int) {
        guard let index = index(of: id), requests[index].arrivalVersion == version,
            !requests[index].hasLeftNetwork
        else { return }
        requests[index].hasLeftNetwork = true
        requests[index].arrivalAt = now
        let request = requests[index]
        let isBad = isProviderDown || random.chance(weather.badAnswer)
        if isBad, let answer = answerWithoutProcessing() {
            note { "request \(id) arrives: not carried out" }
            carryBack(id, answer)
            return
        }
        switch provider.refresh(request.refreshToken, at: now) {
        case .invalid:
            note { "request \(id) arrives: invalid_grant" }
            carryBack(id, .invalidGrant)
        case .tokens(let refresh, let access):
            note { "request \(id) arrives: gives \(refresh)" }
            let refreshed = RefreshedTokens(
                tokens: tokenSet(refresh: refresh, access: access), identity: nil,
                grantedScope: fixtures.scope,
                expiry: TokenExpiry(
                    obtained: request.obtained, lifetime: .microseconds(weather.lifetime)))
            if isBad {
                carryBack(id, .serverError(status: 502, retryAfter: nil))
            } else if random.chance(weather.identityChange) {
                carryBack(id, .identityChanged(refreshed))
            } else {
                carryBack(id, .tokens(refreshed))
            }
        }
    }

    /// Nil when the bad answer comes after the work was done.
    private func answerWithoutProcessing() -> RefreshAnswer? {
        switch random.below(8) {
        case 0: .rejected(code: "invalid_client")
        case 1: .tooManyRequests(retryAfter: nil)
        case 2: .tooManyRequests(retryAfter: .seconds(1 + random.below(20)))
        case 3: .serverError(status: 503, retryAfter: .seconds(1 + random.below(10)))
        case 4: .serverError(status: 500, retryAfter: nil)
        // A captive portal, before the request got anywhere.
        case 5: .lost("HTML at 200")
        default: nil
        }
    }

    private func carryBack(_ id: Int, _ answer: RefreshAnswer) {
        guard let index = index(of: id), !requests[index].isSenderDone else { return }
        if random.chance(weather.lossOnNetwork / 2) {
            if random.chance(0.7) {
                let process = processes[requests[index].owner.process]
                guard process.isAlive, process.life == requests[index].owner.life else { return }
                after(random.between(.ms(1), .ms(100)), by: process) { self.lose(id, "reset") }
            }
            return
        }
        let isSlow = random.chance(weather.slowness)
        let travel = isSlow ? random.between(.ms(50), .s(8)) : random.between(.ms(2), .ms(80))
        let owner = requests[index].owner
        let process = processes[owner.process]
        guard process.isAlive, process.life == owner.life else { return }
        after(travel, by: process) { self.deliver(id, answer) }
    }

    private func deliver(_ id: Int, _ answer: RefreshAnswer) {
        guard let index = index(of: id), !requests[index].isSenderDone else { return }
        requests[index].isSenderDone = true
        note { "request \(id) answered" }
        let owner = requests[index].owner
        switch answer {
        case .tokens(let refreshed), .identityChanged(let refreshed):
            counts.refreshes += 1
            requests[index].outcome = .tokens(refreshed)
            provider.setFate(
                refreshed.tokens.refresh?.reveal(),
                .received(process: owner.process, life: owner.life))
        case .invalidGrant: requests[index].outcome = .invalidGrant
        case .rejected: requests[index].outcome = .refused
        case .tooManyRequests, .serverError, .lost, .notSent:
            requests[index].outcome = .uncertain
        }
        self.answer(requests[index], answer)
    }
}
