/// An end that is no ``AuthError``: its code, and what is said on stderr.
struct CommandFailure: Error {
    var status: ExitStatus
    /// What happened and why; nil where everything has been said.
    var text: String?
    var remedy: String?

    static func usage(_ text: String, remedy: String? = nil) -> CommandFailure {
        CommandFailure(status: .usage, text: text, remedy: remedy)
    }

    static func configuration(_ text: String, remedy: String? = nil) -> CommandFailure {
        CommandFailure(status: .configuration, text: text, remedy: remedy)
    }

    /// Ends with a code and says nothing more.
    static func silent(_ status: ExitStatus) -> CommandFailure {
        CommandFailure(status: status)
    }
}
