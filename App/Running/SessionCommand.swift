import ArgumentParser
import AuthModels

/// A command that works with an account, a store or a provider.
protocol SessionCommand: AsyncParsableCommand {
    var global: GlobalOptions { get }
    /// Whether flags and variables must fit the account; not so where a new sign-in replaces it.
    static var checksAccount: Bool { get }
    func run(in workspace: Workspace) async throws
}

extension SessionCommand {
    static var checksAccount: Bool { true }

    /// Unused: the entry point makes the workspace and calls the function above.
    mutating func run() async throws {
        throw CommandFailure.silent(.usage)
    }
}
