import FoundationEssentials

/// `/connect/userinfo` (OpenID Connect Core §5.3).
struct UserInfoEndpoint: Sendable {
    let provider: Provider

    func answer(_ request: WebRequest) async -> WebAnswer {
        let answer = await claims(for: request)
        return await provider.addingNonce(to: answer, of: request, at: .api)
    }

    private func claims(for request: WebRequest) async -> WebAnswer {
        let claims: AccessTokenClaims
        switch await BearerCheck(provider: provider).check(request, at: .userInfo) {
        case .failure(let refusal): return refusal.answer(body: .null)
        case .success(let good): claims = good
        }
        guard claims.scope.contains(DemoServer.Scope.openid.rawValue),
            let person = provider.people.person(subject: claims.sub)
        else { return BearerCheck.Refusal.insufficientScope("openid").answer(body: .null) }
        var members: [String: JSON] = ["sub": .string(person.subject)]
        if claims.scope.contains(DemoServer.Scope.profile.rawValue) {
            members["name"] = .string("\(person.givenName) \(person.familyName)")
            members["given_name"] = .string(person.givenName)
            members["family_name"] = .string(person.familyName)
            members["preferred_username"] = .string(person.username)
        }
        if claims.scope.contains(DemoServer.Scope.email.rawValue) {
            members["email"] = .string(person.email)
            members["email_verified"] = true
        }
        return .json(.object(members))
    }
}

/// `/connect/revocation` (RFC 7009).
struct RevocationEndpoint: Sendable {
    let provider: Provider

    /// Revokes a refresh token with its family, or one access token; an unknown token is fine too.
    func answer(_ request: WebRequest) async -> WebAnswer {
        do throws(OAuthError) {
            guard let form = request.formFields, !form.hasDuplicates else {
                throw OAuthError(.invalidRequest)
            }
            let client = try provider.clients.authenticate(request, form: form)
            guard let token = form["token"] else { throw OAuthError(.invalidRequest) }
            if await provider.grants.revoke(refreshToken: token, clientID: client.id) {
                return WebAnswer(status: 200)
            }
            if let claims = await provider.keys.verify(token, as: AccessTokenClaims.self),
                sameBytes(claims.clientID, client.id)
            {
                await provider.grants.revoke(accessTokenID: claims.jti)
            }
            return WebAnswer(status: 200)
        } catch {
            return error.answer
        }
    }
}

/// `/connect/endsession` (OpenID Connect RP-Initiated Logout §2).
struct EndSessionEndpoint: Sendable {
    let provider: Provider

    /// Ends the browser's session: at once with a good `id_token_hint`, after a question without.
    ///
    /// Only a good hint lets the browser return to the application.
    func answer(_ request: WebRequest) async -> WebAnswer {
        let form = request.method == "POST" ? request.formFields : request.queryFields
        guard let hint = form?["id_token_hint"] else { return await ask(request) }
        guard let claims = await provider.keys.verify(hint, as: IdentityTokenClaims.self),
            sameBytes(claims.iss, provider.addresses.issuer),
            let client = provider.clients.client(id: claims.aud)
        else { return await ask(request) }
        await provider.browsers.signOut(request.cookie(AuthorizeEndpoint.sessionCookie))
        guard let uri = form?["post_logout_redirect_uri"],
            RedirectURI.isRegistered(uri, among: client.postLogoutRedirectURIs)
        else { return forgettingCookie(Pages.signedOut) }
        return forgettingCookie(
            .redirect(to: RedirectURI.adding([("state", form?["state"])], to: uri)))
    }

    /// The form of the question.
    func confirm(_ request: WebRequest) async -> WebAnswer {
        guard let cookie = request.cookie(AuthorizeEndpoint.sessionCookie) else {
            return Pages.signedOut
        }
        let proof = await provider.browsers.formProof(browser: cookie, purpose: "sign out")
        guard let given = request.formFields?["csrf"], sameBytes(given, proof) else {
            return Pages.forged
        }
        await provider.browsers.signOut(cookie)
        return forgettingCookie(Pages.signedOut)
    }

    private func ask(_ request: WebRequest) async -> WebAnswer {
        guard let cookie = request.cookie(AuthorizeEndpoint.sessionCookie),
            await provider.browsers.session(cookie) != nil
        else { return Pages.signedOut }
        return Pages.signOut(
            proof: await provider.browsers.formProof(browser: cookie, purpose: "sign out"))
    }

    private func forgettingCookie(_ answer: WebAnswer) -> WebAnswer {
        answer.adding(
            "Set-Cookie",
            AuthorizeEndpoint.cookie(AuthorizeEndpoint.sessionCookie, "") + "; Max-Age=0")
    }
}
