internal import AuthModels
internal import HTTPTypes
internal import Logging
internal import OpenIDConnect
internal import Telemetry

/// The provider over the network: sends what `OpenIDConnect` builds, hands back what it judges.
struct ProviderClient: Sendable {
    let transport: any HTTPTransport
    let clock: any AuthClock
    let random: any RandomSource
    let nonces = DPoPNonces()
    /// Total time of one request.
    let deadline: Duration
    let logger: Logger
    let observability: Observability

    /// How long the keys may take that a refreshed ID token is judged by. The rotated refresh token
    /// is not on disk yet, and a process that dies meanwhile loses it.
    private static let keysOnRefreshMax: Duration = .seconds(2)

    /// Its span stays here: a provider is told of no trace.
    func send(
        _ exchange: HTTPExchange, for purpose: Observability.ProviderRequest,
        within limit: Duration? = nil
    ) async throws(TransportError) -> HTTPAnswer {
        var exchange = exchange
        exchange.deadline = min(limit ?? deadline, deadline)
        let span = observability.begin(purpose, exchange.request)
        do throws(TransportError) {
            let answer = try await transport.send(exchange)
            span?.end(answer.response.status)
            return answer
        } catch {
            span?.end(AuthError(reading: error))
            throw error
        }
    }

    /// A read, which may simply be repeated later.
    private func fetch(
        _ exchange: HTTPExchange, for purpose: Observability.ProviderRequest,
        within limit: Duration? = nil
    ) async throws(AuthError) -> HTTPAnswer {
        do {
            return try await send(exchange, for: purpose, within: limit)
        } catch {
            throw AuthError(reading: error)
        }
    }

    // MARK: Discovery and keys

    /// The issuer's metadata, from the two defined addresses.
    func discover(_ issuer: Issuer) async throws(AuthError) -> ProviderMetadata {
        var notFound: HTTPAnswer?
        for exchange in Discovery.requests(for: issuer) {
            let answer = try await fetch(exchange, for: .discovery)
            guard Discovery.isNotFound(answer) else {
                return try Discovery.judge(answer, for: issuer, now: clock.now().wall)
            }
            notFound = answer
        }
        guard let notFound else { throw .discoveryInvalid("the issuer is no address to ask") }
        return try Discovery.judge(notFound, for: issuer, now: clock.now().wall)
    }

    private func keys(
        _ endpoints: PinnedEndpoints, within limit: Duration?
    ) async throws(AuthError) -> JSONWebKeySet {
        guard let request = JSONWebKeySet.request(endpoints) else {
            throw .discoveryInvalid("the provider publishes no keys (jwks_uri)")
        }
        return try JSONWebKeySet(
            judging: try await fetch(request, for: .keys, within: limit), now: clock.now().wall)
    }

    /// Judges an ID token; an unknown key causes exactly one more fetch of the keys.
    ///
    /// - Returns: the fault as a value, because the caller decides what it ends.
    private func judge(
        _ token: IDToken, _ expectation: IDTokenExpectation, _ endpoints: PinnedEndpoints,
        keysWithin limit: Duration? = nil
    ) async throws(AuthError) -> Result<Identity, IDTokenFault> {
        let first = Self.judge(token, expectation, try await keys(endpoints, within: limit))
        guard first == .failure(.unknownKey) else { return first }
        return Self.judge(token, expectation, try await keys(endpoints, within: limit))
    }

    private static func judge(
        _ token: IDToken, _ expectation: IDTokenExpectation, _ keys: JSONWebKeySet
    ) -> Result<Identity, IDTokenFault> {
        do throws(IDTokenFault) {
            return .success(try IDTokenJudge.judge(token, keys: keys, expecting: expectation))
        } catch {
            return .failure(error)
        }
    }

    // MARK: Code exchange

    /// Buys the first tokens and validates who signed in. The code is sent once, whatever happens; but
    /// for a provider that refuses it unseen, for want of its DPoP nonce.
    func exchange(
        _ callback: AuthorizationCallback, clientSecret: ClientSecret?, account: AccountName,
        id: SessionID
    ) async throws(AuthError) -> NewSession {
        let request = callback.request
        let exchange = try TokenRequest.codeExchange(callback, clientSecret: clientSecret)
        let obtained = clock.now()
        let answer: HTTPAnswer
        do {
            answer = try await sendTokenRequest(
                exchange, for: .codeExchange, to: request.metadata.endpoints.token,
                provenBy: request.dpopKey)
        } catch {
            throw AuthError(exchangingCode: error)
        }
        let response = try TokenResponse.judgeCodeExchange(
            answer, expectingIDToken: request.expectsIDToken, type: request.registration.tokenType,
            now: clock.now().wall)
        let identity = try await identity(response, answering: request)
        if response.refreshToken == nil, request.registration.scope.contains(Scope.offlineAccess) {
            logger.warning(
                "the provider gave no refresh token: the session ends with its access token")
        }
        return NewSession(
            account: account, id: id, registration: request.registration,
            clientSecret: clientSecret, dpopKey: request.dpopKey,
            endpoints: request.metadata.endpoints, identity: identity,
            grantedScope: response.grantedScope(requested: request.registration.scope),
            expiry: TokenExpiry(obtained: obtained, lifetime: response.lifetime),
            tokens: TokenSet(
                access: response.accessToken, refresh: response.refreshToken,
                // An ID token that nobody asked for was not validated and is not kept.
                id: identity == nil ? nil : response.idToken))
    }

    private func identity(
        _ response: TokenResponse, answering request: AuthorizationRequest
    ) async throws(AuthError) -> Identity? {
        guard request.expectsIDToken, let token = response.idToken else { return nil }
        let expectation = IDTokenExpectation(
            answering: request, accessToken: response.accessToken, now: clock.now().wall)
        switch try await judge(token, expectation, request.metadata.endpoints) {
        case .success(let identity): return identity
        case .failure(.unknownKey):
            throw .idTokenInvalid("signature: no published key of the provider fits")
        case .failure(.invalid(let reason)), .failure(.identityChanged(let reason)):
            throw .idTokenInvalid(reason)
        }
    }

    // MARK: Refresh

    /// Sends one refresh request and judges all of its answer.
    func refresh(_ session: OpenedSession) async -> RefreshAnswer {
        guard let refreshToken = session.tokens.refresh else {
            return .notSent(.loginRequired(.ended(.expired)))
        }
        let record = session.record
        let obtained = clock.now()
        let key: DPoPKey?
        do throws(AuthError) { key = try session.proofKey() } catch { return .notSent(error) }
        let answer: HTTPAnswer
        do throws(TokenRequestFault) {
            answer = try await sendTokenRequest(
                TokenRequest.refresh(
                    refreshToken, registration: record.registration,
                    clientSecret: session.clientSecret, endpoints: record.endpoints),
                for: .refresh, to: record.endpoints.token, provenBy: key)
        } catch {
            return RefreshAnswer(error)
        }
        let type = record.registration.tokenType
        switch RefreshVerdict.judge(answer, type: type, now: clock.now().wall) {
        case .tokens(let response):
            return await refreshed(session, response, obtained: obtained)
        case .refreshTokenOnly(let token, let fault):
            logger.error(
                "the provider's new access token cannot be used; its new refresh token is kept",
                metadata: ["reason": "\(fault)"])
            return .tokens(Self.rotated(session, token, obtained: obtained))
        case .invalidGrant: return .invalidGrant
        case .rejected(let code): return .rejected(code: code)
        case .tooManyRequests(let retryAfter): return .tooManyRequests(retryAfter: retryAfter)
        case .serverError(let status, let retryAfter):
            return .serverError(status: status, retryAfter: retryAfter)
        case .notAnAnswer(let what): return .lost("the provider gave no token answer: \(what)")
        }
    }

    /// A new refresh token beside the old access token, which counts as ended: the old refresh token
    /// is spent, and a policy on the access token must not cost the session.
    private static func rotated(
        _ session: OpenedSession, _ token: RefreshToken, obtained: Moment
    ) -> RefreshedTokens {
        RefreshedTokens(
            tokens: TokenSet(
                access: session.tokens.access, refresh: token, id: session.tokens.id),
            identity: session.record.identity, grantedScope: session.record.grantedScope,
            expiry: TokenExpiry(obtained: obtained, lifetime: .zero))
    }

    /// Resolves what the answer left out (RFC 6749 §6: no refresh token means keep the old) and
    /// holds a refreshed ID token against who signed in (OpenID Connect Core §12.2).
    private func refreshed(
        _ session: OpenedSession, _ response: TokenResponse, obtained: Moment
    ) async -> RefreshAnswer {
        let record = session.record
        var result = RefreshedTokens(
            tokens: TokenSet(
                access: response.accessToken,
                refresh: response.refreshToken ?? session.tokens.refresh, id: session.tokens.id),
            identity: record.identity,
            grantedScope: response.scope == nil
                ? record.grantedScope
                : response.grantedScope(requested: record.registration.scope),
            expiry: TokenExpiry(obtained: obtained, lifetime: response.lifetime))
        guard let token = response.idToken, let identity = record.identity else {
            return .tokens(result)
        }
        let expectation = IDTokenExpectation(
            issuer: record.registration.issuer, clientID: record.registration.clientID,
            accessToken: response.accessToken, algorithms: record.endpoints.idTokenAlgorithms,
            now: clock.now().wall, previous: identity)
        let verdict: Result<Identity, IDTokenFault>
        do throws(AuthError) {
            verdict = try await judge(
                token, expectation, record.endpoints, keysWithin: Self.keysOnRefreshMax)
        } catch {
            // Keys out of reach are no mismatch: the rotated token is kept, this ID token is not.
            logger.notice(
                "a refreshed ID token could not be verified and is not used",
                metadata: ["error": "\(error.kind)"])
            return .tokens(result)
        }
        switch verdict {
        case .success(let verified):
            result.identity = verified
            result.tokens.id = token
            return .tokens(result)
        case .failure(.unknownKey), .failure(.invalid):
            // A key set that lags behind a rotation, or a clock: no claim of it is used, and no one
            // is signed out for it. Leaving the ID token out would have had the same effect.
            logger.notice("a refreshed ID token could not be verified and is not used")
            return .tokens(result)
        case .failure(.identityChanged(let reason)):
            logger.error(
                "a refreshed ID token is not the signed-in person's; the session ends",
                metadata: ["reason": "\(reason)"])
            return .identityChanged(result)
        }
    }

    // MARK: Revocation

    func revoke(
        _ revocation: PendingRevocation, deadline: Duration
    ) async -> Revocation.Outcome {
        guard
            let request = Revocation.request(
                revocation.token, registration: revocation.registration,
                clientSecret: revocation.clientSecret, endpoints: revocation.endpoints)
        else { return .impossible(code: "no revocation endpoint") }
        do {
            return Revocation.judge(
                try await send(request, for: .revocation, within: deadline), now: clock.now().wall)
        } catch {
            return .later(retryAfter: nil)
        }
    }
}
