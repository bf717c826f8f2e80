internal import AuthModels
internal import Logging

// Each effect runs in a task of its own and ends in one event.
extension AuthService {
    func run(_ effect: AuthEffect) {
        switch effect {
        case .beginSignIn(let attempt): beginSignIn(attempt)
        case .exchangeCode(let attempt): exchangeCode(attempt)
        case .abandonSignIn(let attempt): abandonSignIn(attempt)
        case .endSignIn(let attempt, let result): endSignIn(attempt, result)
        case .storeSignOut(let attempt): storeSignOut(attempt)
        case .endSignOut(let attempt, let error): endSignOut(attempt, error)
        case .acquireLock(let attempt, let within): acquireLock(attempt, within)
        case .releaseLock(let attempt): heldLocks.removeValue(forKey: attempt)?.release()
        case .readSession(let attempt): readSession(attempt)
        case .wait(let attempt, let duration): wait(attempt, duration)
        case .mark(let attempt, let reference): mark(attempt, reference)
        case .send(let attempt, let session): send(attempt, session)
        case .clearMark(let attempt, let reference):
            close(attempt) { store throws(StoreError) in try await store.clearMark(reference) }
        case .postponeMark(let attempt, let reference, let retryAfter):
            close(attempt) { store throws(StoreError) in
                try await store.postponeMark(reference, retryAfter: retryAfter)
            }
        case .commit(let attempt, let reference, let refreshed):
            commit(attempt, reference, refreshed)
        case .expire(let attempt, let reference, let reason, let discarding):
            expire(attempt, reference, reason, discarding)
        case .dispose(let attempt, let reference, let refreshed):
            dispose(attempt, reference, refreshed)
        case .wake(let id, let result): wake(id, result)
        case .sendRevocations: startRevocations()
        }
    }

    private func report(_ attempt: Attempt, _ event: RefreshEvent) {
        apply(.refresh(attempt, event, ports.clock.now()))
    }

    // MARK: Lock and store

    private func acquireLock(_ attempt: Attempt, _ within: Duration) {
        Task {
            do throws(RefreshLockError) {
                heldLocks[attempt] = try await ports.locks.acquire(account, within: within)
                report(attempt, .locked)
            } catch {
                report(attempt, .lockFailed(error))
            }
        }
    }

    private func readSession(_ attempt: Attempt) {
        Task {
            switch await Result.reading(account, from: ports.store) {
            case .success(let stored): report(attempt, .read(stored))
            case .failure(let error): report(attempt, .readFailed(error))
            }
        }
    }

    private func wait(_ attempt: Attempt, _ duration: Duration) {
        Task {
            // Nothing cancels this task, so a wait always ends in its event.
            try? await ports.clock.sleep(for: duration)
            report(attempt, .waited)
        }
    }

    private func mark(_ attempt: Attempt, _ reference: SessionReference) {
        Task {
            FailPoint.hit("refresh.beforeMark")
            do throws(StoreError) {
                let isMarked = try await ports.store.markInFlight(
                    reference, at: ports.clock.now())
                FailPoint.hit("refresh.afterMark")
                report(attempt, .marked(isMarked))
            } catch {
                report(attempt, .markFailed(error))
            }
        }
    }

    private func close(
        _ attempt: Attempt,
        _ change: @escaping @Sendable (any SessionStore) async throws(StoreError) -> Void
    ) {
        Task {
            do throws(StoreError) {
                try await change(ports.store)
                report(attempt, .closed(nil))
            } catch {
                report(attempt, .closed(error))
            }
        }
    }

    private func commit(
        _ attempt: Attempt, _ reference: SessionReference, _ refreshed: RefreshedTokens
    ) {
        Task {
            do throws(StoreError) {
                let outcome = try await ports.store.commitRefresh(reference, refreshed)
                FailPoint.hit("refresh.afterCommit")
                report(attempt, .committed(outcome))
            } catch {
                logger.error(
                    "the new refresh token cannot be saved yet; saving is tried again",
                    metadata: ["error": "\(error.kind)"])
                report(attempt, .commitFailed(reference, refreshed, error))
            }
        }
    }

    private func expire(
        _ attempt: Attempt, _ reference: SessionReference, _ reason: ExpiryReason,
        _ discarding: RefreshedTokens?
    ) {
        Task {
            do throws(StoreError) {
                let isExpired = try await ports.store.expire(
                    reference, reason: reason, revoking: reason == .identityChanged)
                if let discarding { await keepOrRevoke(reference, discarding) }
                report(attempt, .expired(isExpired))
            } catch {
                report(attempt, .expireFailed(error))
            }
        }
    }

    /// The compare-and-swap fails, and so the token is queued for revocation; or it succeeds, because
    /// the sign-out that was to come did not, and the session goes on.
    private func dispose(
        _ attempt: Attempt, _ reference: SessionReference, _ refreshed: RefreshedTokens
    ) {
        Task {
            await keepOrRevoke(reference, refreshed)
            report(attempt, .disposed)
        }
    }

    private func keepOrRevoke(
        _ reference: SessionReference, _ refreshed: RefreshedTokens
    ) async {
        var isDone = false
        while !isDone {
            do throws(StoreError) {
                _ = try await ports.store.commitRefresh(reference, refreshed)
                isDone = true
            } catch {
                logger.error(
                    "a late refresh token cannot be queued for revocation yet",
                    metadata: ["error": "\(error.kind)"])
                try? await ports.clock.sleep(for: machine.policy.commitRetryInterval)
            }
        }
    }

    // MARK: Provider

    private func send(_ attempt: Attempt, _ session: OpenedSession) {
        Task {
            FailPoint.hit("refresh.beforeSend")
            killWhileInFlight()
            let answer = await provider.refresh(session)
            FailPoint.hit("refresh.afterResponse")
            report(attempt, .answered(session.record.reference, answer))
        }
    }

    /// For the kill tests: the request is on its way and the answer is not here.
    private func killWhileInFlight() {
        #if DEBUG
            Task.detached {
                try await Task.sleep(for: .milliseconds(60))
                FailPoint.hit("refresh.afterSend")
            }
        #endif
    }

    private func storeSignOut(_ attempt: Attempt) {
        Task {
            do throws(StoreError) {
                if try await ports.store.signOut(account) { watch?.sawSignOut() }
                apply(.signOutStored(attempt))
            } catch {
                apply(.signOutFailed(attempt, .store(error)))
            }
        }
    }

    func startRevocations() {
        let earlier = revocations
        revocations = Task {
            await earlier?.value
            await RevocationSender(
                store: ports.store, provider: provider, clock: ports.clock, logger: logger,
                observability: observability
            ).sendDue()
        }
    }
}
