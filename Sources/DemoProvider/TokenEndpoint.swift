import FoundationEssentials

/// `/connect/token` (RFC 6749 §3.2).
struct TokenEndpoint: Sendable {
    let provider: Provider

    /// Answers a token request, through the latency and the fault that wait for it.
    func answer(_ request: WebRequest) async -> WebAnswer {
        let form = request.formFields
        let grantType = form?["grant_type"]
        await provider.counters.count(grantType: knownName(of: grantType))
        let fingerprint = form?["refresh_token"].map(Opaque.fingerprint)
        if let fingerprint { await provider.counters.beginRefresh(of: fingerprint) }

        let fault = await provider.knobs.takeTokenFault(grantType: grantType)
        await pause(milliseconds: provider.knobs.settings.tokenLatencyBeforeMilliseconds)
        let answer: WebAnswer
        if let fault, !fault.commits {
            answer = fault.answer(insteadOf: .dropped)
        } else {
            let honest = await process(request, form: form)
            await pause(milliseconds: provider.knobs.settings.tokenLatencyAfterMilliseconds)
            answer = fault?.answer(insteadOf: honest) ?? honest
        }
        if let fingerprint { await provider.counters.endRefresh(of: fingerprint) }
        return await provider.addingNonce(to: answer, of: request, at: .token)
    }

    private func process(_ request: WebRequest, form: FormFields?) async -> WebAnswer {
        do throws(OAuthError) {
            guard let form, !form.hasDuplicates else { throw OAuthError(.invalidRequest) }
            let client = try provider.clients.authenticate(request, form: form)
            // Before anything is spent: a refusal for want of a nonce must cost nothing.
            let thumbprint = try await provenKey(of: request)
            let purchase = try await purchase(form, by: client, provenBy: thumbprint)
            return try await tokens(for: purchase)
        } catch {
            return error.answer
        }
    }

    /// The key of the request's proof; nil without one (RFC 9449 §5).
    private func provenKey(of request: WebRequest) async throws(OAuthError) -> String? {
        guard DPoPProof.isIn(request) else { return nil }
        do throws(DPoPRefusal) {
            return try await provider.dpop.judge(
                request, at: provider.addresses.issuer + request.path, for: .token,
                accessToken: nil, settings: provider.knobs.settings, now: Date())
        } catch {
            switch error {
            case .invalid(let why): throw OAuthError(.invalidProof, why)
            case .wantsNonce: throw OAuthError(.useNonce, "The proof needs a nonce.")
            }
        }
    }

    private func purchase(
        _ form: FormFields, by client: DemoServer.Client, provenBy thumbprint: String?
    ) async throws(OAuthError) -> Purchase {
        let settings = await provider.knobs.settings
        switch form["grant_type"] {
        case nil: throw OAuthError(.invalidRequest)
        case "authorization_code":
            guard let code = form["code"], let redirectURI = form["redirect_uri"] else {
                throw OAuthError(.invalidRequest)
            }
            guard let verifier = form["code_verifier"], Self.isVerifier(verifier) else {
                throw OAuthError(.invalidGrant, "A code_verifier is needed.")
            }
            let exchange = CodeExchange(
                clientID: client.id, code: code, redirectURI: redirectURI, verifier: verifier,
                thumbprint: thumbprint, isPublic: client.secret == nil)
            return try await provider.grants.redeem(exchange, settings: settings, now: Date())
        case "refresh_token":
            guard let token = form["refresh_token"] else { throw OAuthError(.invalidRequest) }
            let scopes = form["scope"]?.split(separator: " ").map(String.init)
            let exchange = RefreshExchange(
                clientID: client.id, token: token, scopes: scopes, thumbprint: thumbprint)
            return try await provider.grants.refresh(exchange, settings: settings, now: Date())
        default: throw OAuthError(.unsupportedGrantType)
        }
    }

    /// Signs what was bought and writes the answer (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
    private func tokens(for purchase: Purchase) async throws(OAuthError) -> WebAnswer {
        let settings = await provider.knobs.settings
        let grant = purchase.grant
        let now = Int(Date().timeIntervalSince1970)
        let authTime = Int(grant.authTime.timeIntervalSince1970)
        let lifetime = settings.accessTokenLifetimeSeconds
        let issuer = provider.addresses.issuer
        let api = purchase.scopes.contains(DemoServer.Scope.userAPI.rawValue)
        let access = AccessTokenClaims(
            iss: issuer, aud: api ? "user_api" : nil, sub: grant.subject,
            clientID: grant.clientID, scope: purchase.scopes, jti: purchase.accessTokenID,
            sid: grant.sessionID, iat: now, nbf: now, exp: now + lifetime, authTime: authTime,
            amr: ["pwd"], cnf: purchase.thumbprint.map { AccessTokenClaims.Confirmation(jkt: $0) })
        var answer: [String: JSON] = [
            "token_type": purchase.thumbprint == nil ? "Bearer" : "DPoP",
            "expires_in": .int(lifetime),
            "scope": .string(purchase.scopes.joined(separator: " ")),
        ]
        do {
            let accessToken = try await provider.keys.sign(access, type: "at+jwt")
            answer["access_token"] = .string(accessToken)
            if purchase.scopes.contains(DemoServer.Scope.openid.rawValue) {
                let identity = IdentityTokenClaims(
                    iss: issuer, aud: grant.clientID, sub: grant.subject, sid: grant.sessionID,
                    iat: now, exp: now + settings.identityTokenLifetimeSeconds,
                    authTime: authTime, amr: ["pwd"],
                    nonce: purchase.isFirst ? grant.nonce : nil,
                    atHash: Opaque.atHash(accessToken))
                answer["id_token"] = .string(try await provider.keys.sign(identity, type: "JWT"))
            }
        } catch {
            throw OAuthError(.serverError)
        }
        if let token = purchase.refreshToken { answer["refresh_token"] = .string(token) }
        return WebAnswer.json(.object(answer)).adding("Pragma", "no-cache")
    }

    /// 43 to 128 unreserved characters (RFC 7636 §4.1).
    private static func isVerifier(_ text: String) -> Bool {
        (43...128).contains(text.utf8.count) && text.utf8.allSatisfy(FormFields.isUnreserved)
    }

    /// A name for the counters that no request can choose freely.
    private func knownName(of grantType: String?) -> String {
        switch grantType {
        case "authorization_code", "refresh_token": grantType ?? ""
        case nil: "none"
        default: "other"
        }
    }
}

/// Waits; a server that is stopping waits no longer.
func pause(milliseconds: Int) async {
    guard milliseconds > 0 else { return }
    try? await Task.sleep(for: .milliseconds(milliseconds))
}
