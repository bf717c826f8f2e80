/// The pages that a person sees. No script, no outside resource, every value escaped.
enum Pages {
    /// The login page.
    static func login(
        request: AuthorizationRequest, ticket: String, proof: String, message: String?,
        username: String?, samples: [DemoServer.Person]
    ) -> WebAnswer {
        let problem = message.map {
            "<p class=\"problem\" role=\"alert\" id=\"problem\">\(escape($0))</p>"
        }
        let mark = message == nil ? "" : " aria-invalid=\"true\" aria-describedby=\"problem\""
        let name = username ?? ""
        let focus = name.isEmpty ? (" autofocus", "") : ("", " autofocus")
        let body = """
            <h1>Sign in</h1>
            <p class="lead">to continue to <strong>\(escape(request.client.name))</strong></p>
            \(problem ?? "")
            <form method="post" action="/account/login">
            \(hidden(ticket: ticket, proof: proof))
            <label for="username">User name or email</label>
            <input id="username" name="username" type="text" autocomplete="username"
             autocapitalize="none" spellcheck="false" required maxlength="200"
             value="\(escape(name))"\(focus.0)\(mark)>
            <label for="password">Password</label>
            <input id="password" name="password" type="password" autocomplete="current-password"
             required maxlength="200"\(focus.1)\(mark)>
            <div class="actions">
            <button type="submit" name="decision" value="login">Sign in</button>
            <button type="submit" name="decision" value="cancel" class="quiet"
             formnovalidate>Cancel</button>
            </div>
            </form>
            \(sampleAccounts(samples))
            """
        return page(
            title: "Sign in", body: body, status: message == nil ? 200 : 400,
            formTarget: RedirectURI(request.redirectURI)?.origin)
    }

    /// The consent page.
    static func consent(
        request: AuthorizationRequest, person: DemoServer.Person, ticket: String, proof: String
    ) -> WebAnswer {
        let items = request.scopes.map { scope in
            let text = meaning(of: scope)
            return "<li><strong>\(escape(text.title))</strong>"
                + "<span>\(escape(text.detail))</span></li>"
        }
        let initials = [person.givenName, person.familyName].compactMap(\.first).map(String.init)
        let body = """
            <h1>Allow access?</h1>
            <p class="person">
            <span class="avatar" aria-hidden="true">\(escape(initials.joined()))</span>
            <span>\(escape("\(person.givenName) \(person.familyName)"))<br>
            <small>\(escape(person.email))</small></span></p>
            <p class="lead"><strong>\(escape(request.client.name))</strong> would like to</p>
            <ul class="scopes">
            \(items.joined(separator: "\n"))
            </ul>
            <form method="post" action="/account/consent">
            \(hidden(ticket: ticket, proof: proof))
            <div class="actions">
            <button type="submit" name="decision" value="allow">Allow</button>
            <button type="submit" name="decision" value="deny" class="quiet">Don’t allow</button>
            </div>
            </form>
            <p class="fine">You will return to \(escape(request.redirectURI))</p>
            """
        return page(
            title: "Allow access?", body: body,
            formTarget: RedirectURI(request.redirectURI)?.origin)
    }

    /// The question before the browser's session ends.
    static func signOut(proof: String) -> WebAnswer {
        let body = """
            <h1>Sign out?</h1>
            <p class="lead">This ends your session at this provider in this browser.</p>
            <form method="post" action="/account/signout">
            <input type="hidden" name="csrf" value="\(escape(proof))">
            <div class="actions"><button type="submit">Sign out</button></div>
            </form>
            """
        return page(title: "Sign out?", body: body)
    }

    /// Said once the browser's session has ended.
    static var signedOut: WebAnswer {
        page(
            title: "Signed out",
            body: """
                <h1>You are signed out</h1>
                <p class="lead">You can close this window now.</p>
                """)
    }

    /// Said of a ticket that is unknown, spent, too old or another browser's.
    static var expired: WebAnswer {
        problem(
            title: "This sign-in is over",
            reason: "The page was open too long, was used before or is another browser's.",
            status: 400)
    }

    /// Said of a form that did not come from the provider's own page.
    static var forged: WebAnswer {
        problem(
            title: "This form cannot be accepted",
            reason: "It did not come from the sign-in page of this provider.", status: 403)
    }

    /// A page that says what is wrong and what to do.
    static func problem(title: String, reason: String, status: Int) -> WebAnswer {
        let body = """
            <p class="mark" aria-hidden="true">!</p>
            <h1>\(escape(title))</h1>
            <p class="lead">\(escape(reason))</p>
            <p>Go back to the application and start signing in again.</p>
            """
        return page(title: title, body: body, status: status)
    }
}

extension Pages {
    /// Text as HTML text or attribute value.
    static func escape(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    private static func hidden(ticket: String, proof: String) -> String {
        """
        <input type="hidden" name="ticket" value="\(escape(ticket))">
        <input type="hidden" name="csrf" value="\(escape(proof))">
        """
    }

    private static func sampleAccounts(_ people: [DemoServer.Person]) -> String {
        guard !people.isEmpty else { return "" }
        let rows = people.map {
            "<tr><td><code>\(escape($0.username))</code></td>"
                + "<td><code>\(escape($0.password))</code></td></tr>"
        }
        return """
            <details><summary>Sample accounts of this demo</summary>
            <table><thead>
            <tr><th scope="col">User name</th><th scope="col">Password</th></tr>
            </thead>
            <tbody>\(rows.joined(separator: "\n"))</tbody></table></details>
            """
    }

    /// What a scope means to a person.
    private static func meaning(of scope: String) -> (title: String, detail: String) {
        switch DemoServer.Scope(rawValue: scope) {
        case .openid: ("Know who you are", "Your identifier at this provider")
        case .profile: ("See your profile", "Your first and last name")
        case .email: ("See your email address", "The address of this account")
        case .userAPI: ("Use KS Connect for you", "See your sites and entries, and open doors")
        case .offlineAccess: ("Stay signed in", "Keep access while you are away")
        case nil: (scope, "As the application asks for it")
        }
    }

    /// The frame of every page, with a policy that lets nothing run and nothing load.
    private static func page(
        title: String, body: String, status: Int = 200, formTarget: String? = nil
    ) -> WebAnswer {
        let html = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="robots" content="noindex">
            <title>\(escape(title)) · Demo identity</title>
            <style>\(PageStyle.sheet)</style>
            </head>
            <body>
            <main>
            <p class="brand"><svg viewBox="0 0 32 32" width="32" height="32" aria-hidden="true">
            <rect width="32" height="32" rx="9" class="tile"/>
            <path class="key" d="M12 10a6 6 0 1 0 5.66 8H20v3h3v-3h2v-4h-7.34A6 6 0 0 0 12 10Zm0 4a2
            2 0 1 1 0 4 2 2 0 0 1 0-4Z"/></svg>Demo identity</p>
            \(body)
            </main>
            <footer>A demonstration that runs on this computer alone.</footer>
            </body>
            </html>
            """
        // Browsers hold a form's redirects to form-action too, so the way back must stand in it.
        let targets = ["'self'", formTarget].compactMap { $0 }.joined(separator: " ")
        let policy =
            "default-src 'none'; style-src '\(PageStyle.digest)'; form-action \(targets); "
            + "base-uri 'none'; frame-ancestors 'none'"
        return WebAnswer(
            status: status,
            headers: [
                ("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", policy),
                ("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"),
                ("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY"),
            ], body: Array(html.utf8))
    }
}
