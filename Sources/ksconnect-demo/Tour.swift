import DemoProvider
import FoundationEssentials

/// The story: sign in, call the API, outlive an access token, open a door, sign out.
struct Tour: Sendable {
    let stage: Stage
    let screen: TourScreen

    /// The steps of the flow.
    static let stepCount = 6
    private static let site = "Harbour Office"
    private static let door = "Front door"
    /// Long enough for the rest of the story on the slowest computer.
    private static let laterLifetimeSeconds = 300

    func tell() async throws(TourFailure) {
        opening()
        let signIn = SignInScene(tour: self)
        try await signIn.play()
        try await firstCalls()
        try KeptSecrets(dataFolder: stage.dataFolder).show(on: screen)
        try await silentRefresh()
        try await openDoor()
        try await signOut()
        screen.say(
            """

            That was the whole flow: one sign-in by a person, one silent refresh, one sign-out.
            """)
    }

    private func opening() {
        screen.scene("KSConnect, from sign-in to sign-out")
        screen.say(
            """
            The real ksconnect command signs in at a provider that runs on this computer for the
            time of the tour. You see each command, its answer, and the requests that reached the
            provider. Codes, tokens and other random values are cut: they stand as "…".
            """)
        screen.fact("identity provider", stage.server.issuer)
        screen.fact("KS Connect API", stage.server.apiURL)
        screen.fact("access token", "lives \(stage.lifetimeSeconds) seconds, to see one run out")
    }

    /// Types a command, shows its answer, and returns the requests that it caused.
    ///
    /// - Parameter shown: the command as it is shown, where it is too long for one line.
    func type(
        _ arguments: [String], shown: String? = nil, expecting code: Int32 = 0
    ) async throws(TourFailure) -> [RecordedRequest] {
        let typed = shown ?? Self.typed(arguments)
        screen.typed(typed)
        let ended = try await stage.run(arguments) { [screen, stage] line in
            // A person may need the whole address that login prints; a reader does not.
            if stage.isHeadless { screen.shortOutput(line) } else { screen.output(line) }
        }
        guard ended == code else {
            throw .command(
                typed: Self.typed(arguments), exitCode: ended, note: stage.walkReport)
        }
        return stage.journal.news()
    }

    /// As a person types it: quotes where there are spaces.
    private static func typed(_ arguments: [String]) -> String {
        "ksconnect "
            + arguments.map { $0.contains(" ") ? "\"\($0)\"" : $0 }.joined(separator: " ")
    }

    func expect(
        _ isSeen: Bool, _ expected: String, in scene: String
    ) throws(TourFailure) {
        guard isSeen else { throw .notSeen(scene: scene, expected: expected) }
    }

    private func firstCalls() async throws(TourFailure) {
        screen.say(
            """

            From here on the access token goes with each call as "Authorization: Bearer …", to the
            API and nowhere else.
            """)
        for command in [["sites"], ["locks", "--site", Self.site]] {
            let seen = try await type(command)
            screen.requests(seen)
            try expect(
                seen.contains(where: \.isCallOfTheAPI), "a call of the API",
                in: "ksconnect \(command[0])")
        }
    }

    private func silentRefresh() async throws(TourFailure) {
        screen.scene("The access token runs out")
        // The next token lives longer, so that the story needs no second refresh.
        try await stage.setLifetime(seconds: Self.laterLifetimeSeconds)
        let wait = stage.lifetimeSeconds + 1
        try await screen.countDown(seconds: wait) { seconds in
            "Waiting \(seconds) s, until the access token is dead …"
        }
        screen.say("\(wait) seconds later the access token is dead. The same command as before:")
        let seen = try await type(["locks", "--site", Self.site])
        let refreshes = seen.filter(\.isRefresh)
        try expect(refreshes.count == 1, "one refresh", in: "the silent refresh")
        screen.step(6, of: Self.stepCount, "The refresh token buys the next access token.")
        screen.requests(seen)
        screen.say(
            """
            Nobody was asked anything. A refresh token is good for one use here; the new one was on
            disk before the call went out, so that a crash in between loses no session.
            """)
    }

    private func openDoor() async throws(TourFailure) {
        screen.scene("Open a door")
        let seen = try await type(["unlock", Self.door, "--site", Self.site, "--yes"])
        screen.requests(seen)
        try expect(
            seen.contains { $0.method == "PATCH" && $0.status == "204" }, "an unlocked door",
            in: "ksconnect unlock")
        screen.requests(try await type(["entries", "--site", Self.site, "--limit", "4"]))
    }

    private func signOut() async throws(TourFailure) {
        screen.scene("Sign out")
        let seen = try await type(["logout"])
        screen.requests(seen)
        screen.say(
            """
            Forgotten here first, in one transaction; then revoked there. Without a network the
            revocation would wait and be sent later.
            """)
        try expect(seen.contains(where: \.isRevocation), "a revocation", in: "ksconnect logout")
        _ = try await type(["status"], expecting: Self.notSignedIn)
        screen.say("(exit code \(Self.notSignedIn): not signed in)")
    }

    /// The command's code for "sign in first".
    private static let notSignedIn: Int32 = 77
}
