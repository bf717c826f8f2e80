import DemoProvider

/// The first five steps: all of them happen while `ksconnect login` runs.
struct SignInScene {
    let tour: Tour

    private var screen: TourScreen { tour.screen }
    private var stage: Stage { tour.stage }

    func play() async throws(TourFailure) {
        screen.scene("Sign in")
        if stage.isHeadless {
            screen.say(
                """
                No browser window here: the tour itself plays browser and person, and walks the
                login page as \(stage.person.username).
                """)
        } else {
            screen.say(
                """
                Your browser opens now. Sign in there and allow access:
                  user name  \(stage.person.username)
                  password   \(stage.person.password)
                """)
        }
        let settings = [
            ("--issuer", stage.server.issuer), ("--client-id", stage.server.readyLine.clientID),
            ("--api-url", stage.server.apiURL),
            // Port 0: any port that is free.
            ("--redirect-uri", "http://localhost:0/callback"),
        ]
        let seen = try await tour.type(
            ["login"] + settings.flatMap { [$0.0, $0.1] },
            shown: "ksconnect login"
                + settings.map { " \\\n      \($0.0) \($0.1)" }.joined())
        try explain(Acts(seen))
        screen.requests(try await tour.type(["status"]))
    }

    /// The requests of a sign-in, in the flow's own parts.
    private struct Acts {
        var discovery: [RecordedRequest] = []
        var authorize: [RecordedRequest] = []
        var pages: [RecordedRequest] = []
        /// The provider's answer that sends the browser back.
        var redirect: RecordedRequest?
        var exchange: [RecordedRequest] = []
        var after: [RecordedRequest] = []

        init(_ requests: [RecordedRequest]) {
            for request in requests {
                if request.isCodeExchange {
                    exchange.append(request)
                } else if !exchange.isEmpty {
                    after.append(request)
                } else if request.isAuthorization {
                    authorize.append(request)
                } else if request.isPage {
                    pages.append(request)
                } else {
                    discovery.append(request)
                }
            }
            if pages.last?.isRedirect == true { redirect = pages.popLast() }
        }
    }

    private func explain(_ acts: Acts) throws(TourFailure) {
        try tour.expect(acts.authorize.count == 1, "one authorize request", in: "ksconnect login")
        try tour.expect(acts.redirect != nil, "the way back", in: "ksconnect login")
        try tour.expect(acts.exchange.count == 1, "one code exchange", in: "ksconnect login")

        screen.say("\nBefore anything else the command asked the provider where its endpoints are:")
        screen.requests(acts.discovery)
        step(1, "The app sends the person's browser to the authorize endpoint.", acts.authorize)
        screen.say(
            """
            state ties the answer to this one sign-in. code_challenge is the hash of a value that
            never leaves the command: a stolen code is worth nothing without it (PKCE).
            """)
        step(2, "The person signs in on the provider's page, never inside the app.", acts.pages)
        step(
            3, "The provider sends the browser back to the redirect URI, with a code.",
            acts.redirect.map { [$0] } ?? [])
        if let port = acts.authorize.first.flatMap(Self.portOfTheWayBack) {
            screen.say(
                """
                This \(acts.redirect?.status ?? "answer") leads to http://localhost:\(port)/callback?code=…&state=…
                The command listens there, on loopback alone, and takes one answer: the one that
                carries its own state.
                """)
        }
        step(
            4, "A code calls no API. The command exchanges it directly, not through the browser.",
            acts.exchange)
        screen.step(5, of: Tour.stepCount, "The answer is JSON with two tokens.")
        screen.say(
            """
            An access token for the KS Connect API, and, since the scope holds offline_access, a
            refresh token. Both were sealed and on disk before the page in the browser said so.
            """)
        screen.requests(acts.after)
    }

    private func step(_ number: Int, _ text: String, _ requests: [RecordedRequest]) {
        screen.step(number, of: Tour.stepCount, text)
        screen.requests(requests)
    }

    /// The port that stands in the authorize request's redirect URI, `http%3A%2F%2Flocalhost%3APORT…`.
    private static func portOfTheWayBack(_ request: RecordedRequest) -> String? {
        guard let redirect = request.parameter("redirect_uri") else { return nil }
        let tail = redirect.split(separator: "localhost%3A").dropFirst().first ?? ""
        let digits = tail.prefix { $0.isNumber }
        return digits.isEmpty ? nil : String(digits)
    }
}
