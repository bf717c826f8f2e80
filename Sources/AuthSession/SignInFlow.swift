internal import AuthModels
internal import OpenIDConnect

/// The interactive part of a sign-in, steps 1 to 5 of the flow (RFC 8252 §4.1).
struct SignInFlow: Sendable {
    let ports: AuthPorts
    let provider: ProviderClient
    let request: SignInRequest

    /// A judged redirect whose browser still waits for its page.
    struct Redirect: Sendable {
        let callback: AuthorizationCallback
        let listener: any RedirectListener
    }

    // MARK: To the redirect

    /// Proves that the tokens can be kept, finds the provider, binds, opens the browser, waits.
    func awaitRedirect() async throws(AuthError) -> Redirect {
        do { try await ports.store.prepareForSignIn() } catch { throw .store(error) }
        let metadata = try await provider.discover(request.registration.issuer)
        let listener: any RedirectListener
        do {
            listener = try await request.redirects.listen(on: request.registration.redirectURI)
        } catch {
            throw AuthError(error)
        }
        do throws(AuthError) {
            return try await awaitRedirect(on: listener, metadata)
        } catch {
            await listener.close()
            throw error
        }
    }

    private func awaitRedirect(
        on listener: any RedirectListener, _ metadata: ProviderMetadata
    ) async throws(AuthError) -> Redirect {
        let authorization = try AuthorizationRequest(
            registration: request.registration, redirectURI: listener.redirectURI,
            metadata: metadata, random: ports.random, extra: request.extra,
            issuerPolicy: request.issuerPolicy)
        request.present(authorization.url, nil)
        let target = try await firstRedirect(on: listener, answering: authorization).get()
        do throws(AuthError) {
            let callback = try AuthorizationCallback(target: target, answering: authorization)
            return Redirect(callback: callback, listener: listener)
        } catch {
            await listener.finish(SignInOutcome(error))
            throw error
        }
    }

    /// Opens the browser; then the first of: the listener's redirect, a pasted one, the end of the time.
    private func firstRedirect(
        on listener: any RedirectListener, answering authorization: AuthorizationRequest
    ) async -> Result<String, AuthError> {
        await withTaskGroup(of: Result<String, AuthError>?.self) { group in
            // Beside the waiting and not before it: a browser that runs on is judged for a while, and
            // the redirect may be there already.
            group.addTask {
                await open(authorization.url)
                return nil
            }
            group.addTask {
                do throws(RedirectError) {
                    let received = try await listener.receive { target in
                        AuthorizationCallback.judge(target: target, answering: authorization)
                    }
                    return .success(received.target)
                } catch {
                    return .failure(AuthError(error))
                }
            }
            group.addTask {
                do {
                    try await ports.clock.sleep(for: request.timeout)
                    return .failure(.callbackTimeout)
                } catch {
                    return .failure(.cancelled)
                }
            }
            if let pasted = request.pasted {
                group.addTask {
                    for await line in pasted {
                        guard
                            let target = AuthorizationCallback.target(
                                ofPasted: line, answering: authorization)
                        else { continue }
                        let judgement = AuthorizationCallback.judge(
                            target: target, answering: authorization)
                        if judgement == .accepted { return .success(target) }
                    }
                    return nil
                }
            }
            for await result in group {
                guard let result else { continue }
                group.cancelAll()
                return result
            }
            return .failure(.callbackTimeout)
        }
    }

    private func open(_ url: WebURL) async {
        guard let browser = request.browser else { return }
        do {
            try await browser.open(url)
        } catch {
            request.present(url, error)
        }
    }

    // MARK: From the code to the store

    /// Exchanges, validates and stores; the browser's page says success only after that.
    func exchange(
        _ redirect: Redirect, account: AccountName
    ) async throws(AuthError) -> OpenedSession {
        do throws(AuthError) {
            let session = try await exchangeAndStore(redirect, account: account)
            await redirect.listener.finish(.signedIn)
            await redirect.listener.close()
            return session
        } catch {
            await redirect.listener.finish(SignInOutcome(error))
            await redirect.listener.close()
            throw error
        }
    }

    private func exchangeAndStore(
        _ redirect: Redirect, account: AccountName
    ) async throws(AuthError) -> OpenedSession {
        let id: SessionID
        do { id = SessionID(random: try ports.random.bytes(16)) } catch {
            throw .randomnessUnavailable
        }
        let session = try await provider.exchange(
            redirect.callback, clientSecret: request.clientSecret, account: account, id: id)
        do {
            return try await ports.store.signIn(session)
        } catch {
            throw .store(error)
        }
    }
}

extension AuthError {
    init(_ error: RedirectError) {
        switch error {
        case .portUnavailable(let port): self = .portUnavailable(port)
        case .noLoopback(let reason): self = .configInvalid(reason)
        case .cancelled, .closed: self = .cancelled
        }
    }
}

extension SignInOutcome {
    init(_ error: AuthError) {
        if case .authorizationDenied = error { self = .denied } else { self = .failed }
    }
}
