import ArgumentParser
import AuthModels
import KSConnect
import OpenIDConnect

struct LoginCommand: SessionCommand {
    static let configuration = CommandConfiguration(
        commandName: "login",
        abstract: "Sign in through the system browser.",
        discussion: """
            The browser opens on the provider's own page; the answer comes back to a port of \
            this machine. On another machine (SSH), --no-browser prints the address, and the \
            address that the browser ends on can be pasted.

            Example: ksconnect login --client-id 73e9cf0d-561a-11e9-9b32-000d3a46a880
            """)

    @OptionGroup(title: "Settings") var global: GlobalOptions

    @Flag(help: "Print the address to open instead of opening it.")
    var noBrowser = false

    @Flag(help: "Sign in on another device, with a code.")
    var device = false

    @Option(help: ArgumentHelp("How long the sign-in may take.", valueName: "seconds"))
    var timeout = 300

    @Option(
        help: ArgumentHelp(
            "Ask for one of these kinds of sign-in, the preferred one first.", valueName: "acr"))
    var acrValues: String?

    @Option(
        help: ArgumentHelp(
            "Ask for a sign-in that is no older than this; 0 asks for the password again.",
            valueName: "seconds"))
    var maxAge: Int?

    @Option(help: ArgumentHelp("Who is to sign in, as the provider knows them.", valueName: "name"))
    var loginHint: String?

    static var checksAccount: Bool { false }

    func validate() throws {
        guard !device else {
            throw ValidationError(
                "--device is not available yet. Use --no-browser and paste the address instead.")
        }
        guard (1...86_400).contains(timeout) else {
            throw ValidationError("--timeout is a number of seconds from 1 to 86400.")
        }
        if let maxAge, maxAge < 0 {
            throw ValidationError("--max-age is a number of seconds, 0 or more.")
        }
    }

    func run(in workspace: Workspace) async throws {
        let earlier: SessionRecord?
        do { earlier = try await workspace.store.record(of: workspace.account) } catch {
            throw AuthError.store(error)
        }
        let login = try await LoginSettings(
            workspace.settings, earlier: earlier?.registration,
            kept: { try await Self.keptSecret(in: workspace) })
        let record = try await signIn(with: login, workspace)
        let person = record.identity.map { " as \($0.subject)" } ?? ""
        StandardError.line(
            Printable.text(
                "Signed in to \(record.registration.issuer)\(person) (account \(record.account))."))
        if !record.hasRefreshToken {
            StandardError.line(
                "The provider gave no refresh token: this session ends with its access token. "
                    + "Some providers give one only with --prompt consent.")
        }
        await workspace.sendDueRevocations()
    }

    /// The secret of the account's last sign-in. A key or a row that is lost is as good as none, and
    /// the person is asked for the secret; a keyring out of reach is not.
    private static func keptSecret(in workspace: Workspace) async throws -> ClientSecret? {
        do {
            return try await workspace.store.open(workspace.account)?.clientSecret
        } catch StoreError.key(.missing), StoreError.key(.wrong), StoreError.corrupt {
            return nil
        } catch {
            throw AuthError.store(error)
        }
    }

    private func signIn(
        with login: LoginSettings, _ workspace: Workspace
    ) async throws(AuthError) -> SessionRecord {
        let isPasting = noBrowser && TerminalQuestions.arePossible
        // The prompt's line ends when the waiting does.
        defer { if isPasting { StandardError.write("\n") } }
        return try await workspace.client.signIn(
            login.registration, clientSecret: login.secret, opensBrowser: !noBrowser,
            timeout: .seconds(timeout),
            present: { [noBrowser] url, fault in
                SignInProgress(noBrowser: noBrowser, isPasting: isPasting).show(url, fault)
            },
            pasted: isPasting ? TerminalLines.stream : nil,
            extra: AuthorizationRequest.Extra(
                maxAge: maxAge, loginHint: loginHint, acrValues: acrValues))
    }
}

/// What a person is told while the sign-in waits, on stderr.
private struct SignInProgress {
    let noBrowser: Bool
    let isPasting: Bool

    /// The URL stands alone on its line, to be picked up by people and scripts.
    func show(_ url: WebURL, _ fault: BrowserUnavailable?) {
        if let fault {
            StandardError.line(
                "No browser could be opened (\(Printable.text(fault.reason))). "
                    + "Open the address above yourself.")
            return
        }
        if noBrowser {
            StandardError.line("To sign in, open this address in a browser:")
        } else {
            StandardError.line(
                "Opening your browser to sign in. If it does not open, go to this address:")
        }
        StandardError.line(url.rawValue)
        if isPasting {
            StandardError.write(
                "If that browser is on another machine, paste the address that it ends on here: ")
        }
    }
}
