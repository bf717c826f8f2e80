import ArgumentParser
import AuthModels

struct DoctorCommand: SessionCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check keyring, store, browser, redirect port, clock and provider.",
        discussion: """
            Each check says how to mend what it finds. The exit code is 0 when all is well, \
            else that of the first thing that is not.

            Example: ksconnect doctor
            """)

    @OptionGroup(title: "Settings") var global: GlobalOptions
    @Flag(help: "Print JSON.") var json = false

    static var checksAccount: Bool { false }

    func run(in workspace: Workspace) async throws {
        let checks = await Checkup(workspace: workspace).run()
        if json {
            try JSONOutput.print(
                DoctorReport(ok: checks.allSatisfy(\.isFine), checks: checks.map(\.report)))
        } else {
            let style = Style(isTerminal: StandardOutput.isTerminal, workspace.environment)
            try StandardOutput.write(checks.map { $0.text(style) }.joined())
        }
        if let status = checks.lazy.compactMap(\.status).first {
            throw CommandFailure(
                status: status, text: "something needs mending: see the lines that say so above")
        }
    }
}

private struct DoctorReport: Encodable {
    let ok: Bool
    let checks: [Check]

    struct Check: Encodable {
        let name: String
        let ok: Bool
        let message: String
        let remedy: String?
    }
}

/// What one check found.
struct Finding {
    let name: String
    let message: String
    var remedy: String?
    /// The exit code that it means; nil when all is well.
    var status: ExitStatus?

    static func fine(_ name: String, _ message: String) -> Finding {
        Finding(name: name, message: message)
    }

    static func fault(_ name: String, _ error: AuthError) -> Finding {
        Finding(
            name: name, message: error.message, remedy: error.remedy, status: ExitStatus(error))
    }

    var isFine: Bool { status == nil }

    fileprivate var report: DoctorReport.Check {
        DoctorReport.Check(name: name, ok: isFine, message: message, remedy: remedy)
    }

    fileprivate func text(_ style: Style) -> String {
        let mark = isFine ? style.good("ok  ") : style.bad("FAIL")
        let padding = String(repeating: " ", count: max(10 - name.count, 1))
        var text = "\(mark)  \(name)\(padding)\(Printable.text(message))\n"
        if let remedy { text += "                 \(Printable.text(remedy))\n" }
        return text
    }
}
