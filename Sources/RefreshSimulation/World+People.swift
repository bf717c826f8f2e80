import AuthModels
import AuthSession

// Signing in and out, and the revocations that follow.
extension World {
    func requestSignIn(_ process: SimulatedProcess) {
        guard process.isAlive, !process.isStopped else { return }
        let attempt = Attempt(process.nextNumber())
        ledger.signIns.insert(Ledger.Key(process: process.index, number: attempt.number))
        apply(process, .signInRequested(attempt))
    }

    func requestSignOut(_ process: SimulatedProcess) {
        guard process.isAlive, !process.isStopped else { return }
        let attempt = Attempt(process.nextNumber())
        ledger.signOuts.insert(Ledger.Key(process: process.index, number: attempt.number))
        excuseAll()
        apply(process, .signOutRequested(attempt))
    }

    func beginSignIn(_ process: SimulatedProcess, _ attempt: Attempt) {
        transaction(by: process) { () throws(StoreError) in
            try self.store.prepareForSignIn()
        } then: { result in
            if case .failure(let error) = result {
                self.apply(process, .signInFailed(attempt, .store(error)))
                return
            }
            self.after(self.random.between(.ms(500), .s(20)), by: process) {
                if self.random.chance(0.85) {
                    self.apply(process, .redirectReceived(attempt))
                } else {
                    self.apply(process, .signInFailed(attempt, .callbackTimeout))
                }
            }
        }
    }

    func exchangeCode(_ process: SimulatedProcess, _ attempt: Attempt) {
        after(random.between(.ms(20), .s(1)), by: process) {
            // A cancelled exchange may be noticed, or be too far gone.
            if process.abandoned.contains(attempt.number), self.random.chance(0.5) { return }
            if self.random.chance(self.weather.lossOnNetwork) {
                self.apply(process, .signInFailed(attempt, .codeExchangeLost("reset")))
                return
            }
            let granted = self.provider.signIn()
            let session = self.newSession(granted)
            self.transaction(by: process) { () throws(StoreError) in
                let opened = try self.store.signIn(session)
                self.ledger.noteCommitted(opened)
                self.provider.setFate(granted.refresh, .durable)
                return opened
            } then: { result in
                switch result {
                case .success(let opened):
                    self.counts.signIns += 1
                    self.apply(process, .signInStored(attempt, opened))
                case .failure(let error):
                    self.apply(process, .signInFailed(attempt, .store(error)))
                }
            }
        }
    }

    func endSignIn(_ process: SimulatedProcess, _ attempt: Attempt) {
        let key = Ledger.Key(process: process.index, number: attempt.number)
        if ledger.signIns.remove(key) == nil {
            fail(5, "p\(process.index) ended sign-in \(attempt.number) twice, or none")
        }
    }

    func storeSignOut(_ process: SimulatedProcess, _ attempt: Attempt) {
        transaction(by: process) { () throws(StoreError) in
            let didSignOut = try self.store.signOut()
            if self.store.tokens != nil || self.store.record?.phase == .active {
                self.fail(6, "a usable token is left after sign-out")
            }
            process.signedOutUpTo = self.store.record?.generation
            return didSignOut
        } then: { result in
            switch result {
            case .success: self.apply(process, .signOutStored(attempt))
            case .failure(let error): self.apply(process, .signOutFailed(attempt, .store(error)))
            }
        }
    }

    func endSignOut(_ process: SimulatedProcess, _ attempt: Attempt, _ error: AuthError?) {
        let key = Ledger.Key(process: process.index, number: attempt.number)
        // A late sign-in that is signed out again has nobody who waits for it.
        guard ledger.signOuts.remove(key) != nil else {
            if process.abandoned.contains(attempt.number) { return }
            fail(5, "p\(process.index) ended sign-out \(attempt.number) twice, or none")
            return
        }
        if error == nil { counts.signOuts += 1 }
    }

    func sendRevocations(_ process: SimulatedProcess) {
        if process.isRevoking {
            process.mustRevokeAgain = true
            return
        }
        process.isRevoking = true
        transaction(by: process) { () throws(StoreError) in
            try self.store.dueRevocations(at: self.now)
        } then: { result in
            self.revoke((try? result.get()) ?? [], by: process)
        }
    }

    private func revoke(
        _ due: [SimulatedStore.Pending], by process: SimulatedProcess
    ) {
        guard let first = due.first else {
            process.isRevoking = false
            if process.mustRevokeAgain {
                process.mustRevokeAgain = false
                sendRevocations(process)
            }
            return
        }
        after(random.between(.ms(10), .ms(400)), by: process) {
            let isLost =
                self.isNetworkDown || self.isProviderDown
                || self.random.chance(self.weather.lossOnNetwork + self.weather.badAnswer)
            if !isLost || self.random.chance(0.3) { self.provider.revoke(first.token) }
            let moment = self.now
            self.transaction(by: process) { () throws(StoreError) in
                if isLost {
                    self.store.postponeRevocation(first.id, until: moment + .s(20))
                } else {
                    self.store.completeRevocation(first.id)
                }
            } then: { _ in
                self.revoke(Array(due.dropFirst()), by: process)
            }
        }
    }
}
