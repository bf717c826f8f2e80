import ArgumentParser
import AuthModels
import KSConnect
import OpenIDConnect

struct WhoamiCommand: SessionCommand {
    static let configuration = CommandConfiguration(
        commandName: "whoami",
        abstract: "Say who is signed in, as the provider's userinfo tells it.",
        discussion: "Example: ksconnect whoami --json")

    @OptionGroup(title: "Settings") var global: GlobalOptions

    @Flag(help: "Print JSON: all claims as received.")
    var json = false

    func run(in workspace: Workspace) async throws {
        let info = try await workspace.client.userInfo()
        guard !json else { return try JSONOutput.print(info.claims) }
        var fields = Fields()
        for member in info.claims.object?.members ?? [] {
            fields.add(Printable.text(member.name), Self.text(of: member.value))
        }
        try StandardOutput.write(fields.text)
    }

    private static func text(of value: JSONValue) -> String {
        value.string ?? JSONOutput.text(of: value)
    }
}
