/// Why the tour ends before its last scene.
enum TourFailure: Error {
    /// There is no such program: build it, or name another by `--ksconnect`.
    case noCommand(path: String)
    /// Something of this computer is missing: a folder, a port, a process.
    case noStage(reason: String)
    /// A command ended otherwise than the story wants.
    case command(typed: String, exitCode: Int32, note: String?)
    /// The commands ended well, but the provider did not see what the story tells.
    case notSeen(scene: String, expected: String)
    /// A file of the store holds a token that anyone can read.
    case plainToken(path: String)
    /// Ctrl-C.
    case interrupted

    /// What happened.
    var message: String {
        switch self {
        case .noCommand(let path): "There is no ksconnect at \(path)."
        case .noStage(let reason): "The tour cannot start: \(reason)."
        case .command(let typed, let exitCode, let note):
            "This step failed with exit code \(exitCode): \(typed)" + (note.map { "\n\($0)" } ?? "")
        case .notSeen(let scene, let expected):
            "This step went wrong: \(scene). The provider did not see \(expected)."
        case .plainToken(let path): "There is a token in plain text in \(path)."
        case .interrupted: "Interrupted."
        }
    }

    /// What to do next; nil where the message says it all.
    var remedy: String? {
        switch self {
        case .noCommand: "Run script/demo, which builds it, or name one with --ksconnect."
        case .command(_, Self.keyringExitCode, _):
            """
            The tour needs an unlocked keyring. Unlock the one of this desktop, or run
              env -u DBUS_SESSION_BUS_ADDRESS script/demo
            which brings up a keyring of its own for the run.
            """
        case .noStage, .command, .notSeen, .plainToken, .interrupted: nil
        }
    }

    /// The command's code for a store or a keyring that cannot be used.
    private static let keyringExitCode: Int32 = 74

    var exitCode: Int32 {
        switch self {
        case .interrupted: 130
        case .noCommand, .noStage, .command, .notSeen, .plainToken: 1
        }
    }
}
