import ArgumentParser
import AuthModels
import AuthSession
import KSConnect

struct RefreshCommand: SessionCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh",
        abstract: "Get a new access token now; several at once give one request.",
        discussion: "Example: ksconnect refresh && ksconnect status")

    @OptionGroup(title: "Settings") var global: GlobalOptions

    func run(in workspace: Workspace) async throws {
        let token = try await workspace.client.service.refresh()
        let end = token.record.expiry.date.map { "; the access token is valid until \($0.rfc3339)" }
        StandardError.line("Refreshed\(end ?? "").")
        await workspace.sendDueRevocations()
    }
}
