import FoundationEssentials

/// `/connect/authorize` and the pages between it and the redirect.
struct AuthorizeEndpoint: Sendable {
    let provider: Provider

    static let browserCookie = "ksdemo.browser"
    static let sessionCookie = "ksdemo.session"

    /// Judges a request and sends the browser to its next step.
    func begin(_ request: WebRequest) async -> WebAnswer {
        let form = request.method == "POST" ? request.formFields : request.queryFields
        do throws(AuthorizationRequest.Refusal) {
            let wanted = try AuthorizationRequest(form, clients: provider.clients)
            let known = request.cookie(Self.browserCookie)
            let browser = known ?? Opaque.token()
            let ticket = await provider.browsers.begin(wanted, browser: browser, now: Date())
            let answer = await next(ticket: ticket, browser: browser, request: request)
            return known == nil
                ? answer.adding("Set-Cookie", Self.cookie(Self.browserCookie, browser)) : answer
        } catch {
            switch error {
            case .page(let reason):
                return Pages.problem(
                    title: "This sign-in cannot start", reason: reason, status: 400)
            case .redirect(let error, let uri, let state):
                return refusal(error, uri: uri, state: state)
            }
        }
    }

    /// The next step of an interaction: login page, consent page or the redirect.
    private func next(ticket: String, browser: String, request: WebRequest) async -> WebAnswer {
        let now = Date()
        guard
            let interaction = await provider.browsers.interaction(
                ticket, browser: browser, now: now)
        else { return Pages.expired }
        let wanted = interaction.request
        let session = await provider.browsers.session(request.cookie(Self.sessionCookie))
        let silent = wanted.prompts.contains("none")
        guard let session, isFresh(session, for: interaction, now: now) else {
            guard !silent else { return await refuse(.loginRequired, ticket, wanted) }
            return .redirect(to: provider.addresses.issuer + "/account/login?ticket=\(ticket)")
        }
        let remembered = await provider.browsers.hasConsent(
            subject: session.subject, clientID: wanted.client.id, scopes: wanted.scopes)
        let mustAsk = wanted.prompts.contains("consent")
        guard !mustAsk && (remembered || !wanted.client.requiresConsent) else {
            guard !silent else { return await refuse(.consentRequired, ticket, wanted) }
            return .redirect(to: provider.addresses.issuer + "/account/consent?ticket=\(ticket)")
        }
        return await grant(wanted, to: session, ticket: ticket)
    }

    /// Whether a session is good for this request without typing the password again.
    private func isFresh(
        _ session: BrowserSessions.Session, for interaction: BrowserSessions.Interaction, now: Date
    ) -> Bool {
        if interaction.hasSignedIn { return true }
        let wanted = interaction.request
        guard !wanted.prompts.contains("login"), !wanted.prompts.contains("select_account") else {
            return false
        }
        guard let age = wanted.maxAgeSeconds else { return true }
        return now.timeIntervalSince(session.authTime) <= Double(age)
    }

    /// Makes the code and sends the browser back (RFC 6749 §4.1.2, RFC 9207 §2).
    private func grant(
        _ wanted: AuthorizationRequest, to session: BrowserSessions.Session, ticket: String
    ) async -> WebAnswer {
        await provider.browsers.finish(ticket)
        let grant = Grant(
            clientID: wanted.client.id, subject: session.subject, scopes: wanted.scopes,
            nonce: wanted.nonce, authTime: session.authTime, sessionID: session.id)
        let lifetime = await provider.knobs.settings.authorizationCodeLifetimeSeconds
        let code = await provider.grants.issueCode(
            for: CodeBinding(
                grant: grant, redirectURI: wanted.redirectURI, challenge: wanted.challenge,
                thumbprint: wanted.thumbprint),
            lifetimeSeconds: lifetime, now: Date())
        return .redirect(
            to: RedirectURI.adding(
                [
                    ("code", code), ("scope", wanted.scopes.joined(separator: " ")),
                    ("state", wanted.state), ("iss", provider.addresses.issuer),
                ], to: wanted.redirectURI))
    }

    private func refuse(
        _ code: OAuthError.Code, _ ticket: String, _ wanted: AuthorizationRequest
    ) async -> WebAnswer {
        await provider.browsers.finish(ticket)
        return refusal(OAuthError(code), uri: wanted.redirectURI, state: wanted.state)
    }

    private func refusal(_ error: OAuthError, uri: String, state: String?) -> WebAnswer {
        .redirect(
            to: RedirectURI.adding(
                [
                    ("error", error.code.rawValue), ("error_description", error.description),
                    ("state", state), ("iss", provider.addresses.issuer),
                ], to: uri))
    }

    static func cookie(_ name: String, _ value: String) -> String {
        "\(name)=\(value); Path=/; HttpOnly; SameSite=Lax"
    }
}

extension AuthorizeEndpoint {
    /// The login page.
    func loginPage(_ request: WebRequest) async -> WebAnswer {
        guard let step = await step(of: request, fields: request.queryFields) else {
            return Pages.expired
        }
        return await loginPage(step, message: nil, username: step.interaction.request.loginHint)
    }

    /// The login page's form.
    func login(_ request: WebRequest) async -> WebAnswer {
        let form = request.formFields
        guard let step = await step(of: request, fields: form) else { return Pages.expired }
        guard await isGenuine(request, form: form, step: step) else { return Pages.forged }
        if form?["decision"] == "cancel" {
            return await refuse(.accessDenied, step.ticket, step.interaction.request)
        }
        let username = form?["username"] ?? ""
        guard
            let person = provider.people.person(
                username: username, password: form?["password"] ?? "")
        else {
            return await loginPage(
                step, message: "That user name and password do not go together.",
                username: username)
        }
        await provider.browsers.signOut(request.cookie(Self.sessionCookie))
        let session = await provider.browsers.signIn(
            person.subject, ticket: step.ticket, now: Date())
        // Back through one address, so that the choice of the next step stands in one place.
        return WebAnswer.redirect(
            to: provider.addresses.issuer + "/account/continue?ticket=\(step.ticket)"
        ).adding("Set-Cookie", Self.cookie(Self.sessionCookie, session))
    }

    /// Goes on after the password was typed.
    func proceed(_ request: WebRequest) async -> WebAnswer {
        guard let step = await step(of: request, fields: request.queryFields) else {
            return Pages.expired
        }
        return await next(ticket: step.ticket, browser: step.interaction.browser, request: request)
    }

    /// The consent page.
    func consentPage(_ request: WebRequest) async -> WebAnswer {
        guard let step = await step(of: request, fields: request.queryFields),
            let session = await provider.browsers.session(request.cookie(Self.sessionCookie)),
            let person = provider.people.person(subject: session.subject)
        else { return Pages.expired }
        let proof = await provider.browsers.formProof(
            browser: step.interaction.browser, purpose: step.ticket)
        return Pages.consent(
            request: step.interaction.request, person: person, ticket: step.ticket, proof: proof)
    }

    /// The consent page's form.
    func consent(_ request: WebRequest) async -> WebAnswer {
        let form = request.formFields
        guard let step = await step(of: request, fields: form),
            let session = await provider.browsers.session(request.cookie(Self.sessionCookie)),
            isFresh(session, for: step.interaction, now: Date())
        else { return Pages.expired }
        guard await isGenuine(request, form: form, step: step) else { return Pages.forged }
        let wanted = step.interaction.request
        guard form?["decision"] == "allow" else {
            return await refuse(.accessDenied, step.ticket, wanted)
        }
        await provider.browsers.remember(
            subject: session.subject, clientID: wanted.client.id, scopes: wanted.scopes)
        return await grant(wanted, to: session, ticket: step.ticket)
    }

    private struct Step {
        let ticket: String
        let interaction: BrowserSessions.Interaction
    }

    private func step(of request: WebRequest, fields: FormFields?) async -> Step? {
        guard let ticket = fields?["ticket"], let browser = request.cookie(Self.browserCookie),
            let interaction = await provider.browsers.interaction(
                ticket, browser: browser, now: Date())
        else { return nil }
        return Step(ticket: ticket, interaction: interaction)
    }

    /// Whether a form came from the provider's own page in the same browser.
    private func isGenuine(_ request: WebRequest, form: FormFields?, step: Step) async -> Bool {
        if let origin = request.header("origin"),
            !sameBytes(origin, provider.addresses.issuer), !sameBytes(origin, "null")
        {
            return false
        }
        let proof = await provider.browsers.formProof(
            browser: step.interaction.browser, purpose: step.ticket)
        return form?["csrf"].map { sameBytes($0, proof) } ?? false
    }

    private func loginPage(_ step: Step, message: String?, username: String?) async -> WebAnswer {
        let proof = await provider.browsers.formProof(
            browser: step.interaction.browser, purpose: step.ticket)
        return Pages.login(
            request: step.interaction.request, ticket: step.ticket, proof: proof,
            message: message, username: username,
            samples: provider.configuration.showsSampleAccounts ? provider.people.people : [])
    }
}
