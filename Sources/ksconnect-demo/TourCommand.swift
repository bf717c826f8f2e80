import ArgumentParser

/// `ksconnect-demo tour`: tells the whole story by running the real command.
struct TourCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tour",
        abstract: "Sign in, call the API, open a door and sign out, with every request explained.",
        discussion: """
            Starts the embedded provider and runs the real ksconnect against it, step by step. \
            Where there is a display your own browser opens; elsewhere the tour walks the login \
            page itself. It needs a Secret Service; script/demo brings one up where there is none.

            Example: ksconnect-demo tour --headless
            """)

    @Flag(help: "Open no browser: the tour walks the login page itself.")
    var headless = false

    @Option(
        help: ArgumentHelp(
            "The ksconnect to run; the one beside this program unless told.", valueName: "path"))
    var ksconnect: String?

    @Option(
        help: ArgumentHelp(
            "How long the first access token lives, in seconds: the tour waits for its end.",
            valueName: "seconds"))
    var lifetime = 8

    func validate() throws {
        guard (4...600).contains(lifetime) else {
            throw ValidationError("--lifetime is a number of seconds from 4 to 600.")
        }
    }

    func run() async throws {
        // Asked for before anything is made that a signal in between would leave behind.
        let signals = StopSignals()
        let story = Task { await tell() }
        let watch = Task {
            await signals.first()
            story.cancel()
        }
        let status = await story.value
        watch.cancel()
        guard status == 0 else { throw ExitCode(status) }
    }

    /// - Returns: the exit code.
    private func tell() async -> Int32 {
        let screen = TourScreen()
        do throws(TourFailure) {
            let stage = try await Stage(
                ksconnect: ksconnect, isHeadless: headless, lifetimeSeconds: lifetime)
            do throws(TourFailure) {
                try await Tour(stage: stage, screen: screen).tell()
            } catch {
                await stage.clear()
                throw error
            }
            await stage.clear()
            return 0
        } catch {
            screen.failure(error)
            return error.exitCode
        }
    }
}
