import ArgumentParser
import AuthModels
import AuthSession
import KSConnect

struct LogoutCommand: SessionCommand {
    static let configuration = CommandConfiguration(
        commandName: "logout",
        abstract: "Sign out: forget the tokens here, then revoke them at the provider.",
        discussion: """
            Signing out works offline and with a locked keyring; the provider is then told \
            later. Signing out twice is fine.

            Example: ksconnect logout --everywhere
            """)

    @OptionGroup(title: "Settings") var global: GlobalOptions

    @Flag(help: "Also end the browser's session at the provider.")
    var everywhere = false

    func run(in workspace: Workspace) async throws {
        let before = try await workspace.client.restore()
        let report = try await workspace.client.signOut(everywhere: everywhere)
        StandardError.line(
            Printable.text(
                before == .signedOut
                    ? "Nobody was signed in (account \(workspace.account))."
                    : "Signed out (account \(workspace.account))."))
        if report.revocationsWaiting > 0 {
            StandardError.line(
                "Warning: the provider could not be told yet; \(report.revocationsWaiting) "
                    + "revocation(s) wait here and are sent by a later login, refresh or logout.")
        }
        if let page = report.providerPage {
            StandardError.line("To sign out at the provider too, open this address:")
            // Without the hint: what names the session is nothing to print.
            StandardError.line(String(page.rawValue.prefix { $0 != "?" }))
        }
    }
}
