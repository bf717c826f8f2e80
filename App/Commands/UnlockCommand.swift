import ArgumentParser
import AuthModels
import KSConnect

struct UnlockCommand: SessionCommand {
    static let configuration = CommandConfiguration(
        commandName: "unlock",
        abstract: "Open a door. It asks first, unless --yes.",
        discussion: """
            A request whose answer is lost is never repeated: nobody knows then whether the \
            door opened.

            Example: ksconnect unlock "Front door" --site Headquarters --yes
            """)

    @OptionGroup(title: "Settings") var global: GlobalOptions
    @Argument(help: "The lock's name or id.") var lock: String
    @Option(help: "The site's name or id; may be left out where there is one.") var site: String?

    @Option(
        help: ArgumentHelp("The one-time password, from a file or stdin (-).", valueName: "path"))
    var otpFile: String?

    @Flag(name: .shortAndLong, help: "Open it without asking.")
    var yes = false

    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard yes || TerminalQuestions.arePossible else {
            throw ValidationError("Without a terminal nobody can be asked: give --yes.")
        }
    }

    func run(in workspace: Workspace) async throws {
        let api = try await workspace.client.api()
        let site = try await Door.site(api, named: site)
        let lock = try await Door.lock(api, in: site, named: lock)
        if !yes, !(await TerminalQuestions.confirm("Open \(lock.name) at \(site.name)?")) {
            throw CommandFailure(
                status: .interrupted, text: "nothing was opened: it was not confirmed")
        }
        var otp = try otpFile.map(Self.password)
        if otp == nil, lock.asksForOneTimePassword, TerminalQuestions.arePossible {
            otp = OneTimePassword(await TerminalQuestions.secretLine("One-time password: ") ?? "")
        }
        let password = otp
        do {
            try await Door.translated { () throws(KSConnectError) in
                try await api.unlock(lock.id, in: site.id, otp: password)
            }
        } catch AuthError.cancelled {
            throw CommandFailure(
                status: .interrupted,
                text: "interrupted: nobody knows whether the door was opened",
                remedy: Door.lookFirst)
        }
        if json {
            try JSONOutput.print([
                "site": site.id.rawValue, "lock": lock.id.rawValue, "lockedState": "unlocked",
            ])
        } else {
            try StandardOutput.line(Printable.text("\(lock.name) at \(site.name) is open."))
        }
    }

    private static func password(_ path: String) throws -> OneTimePassword {
        let bytes: [UInt8]
        do { bytes = try FileInput.read(path, bytesMax: 4096) } catch {
            throw CommandFailure.usage("the one-time password cannot be read: \(error.reason)")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard let password = OneTimePassword(String(text.filter { !$0.isNewline })) else {
            throw CommandFailure.usage(
                "the one-time password is empty, too long or not visible ASCII")
        }
        return password
    }
}
