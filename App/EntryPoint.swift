import ArgumentParser
import AuthModels
import Desktop

/// The command's life: harden, read the environment, parse, run, end with a code of the contract.
@main
enum EntryPoint {
    static func main() {
        // First of all: what follows may hold secrets.
        ProcessHardening.apply()
        StandardStreams.claim()
        if let shortage = ProcessResources.shortage() {
            ErrorText.print(
                "this process may use too little: \(shortage)",
                remedy: "raise the limit; nothing was begun and nothing is lost")
            end(.storeOrKeyring)
        }
        let signals = EndingSignals()
        let environment = Environment.takingSecrets()
        signals.run { await status(of: { try await run(environment) }) }
    }

    private static func run(_ environment: Environment) async throws {
        var command = try RootCommand.parseAsRoot()
        switch command {
        case let session as any SessionCommand: try await run(session, environment)
        case var asynchronous as any AsyncParsableCommand: try await asynchronous.run()
        default: try command.run()
        }
    }

    private static func run(
        _ command: any SessionCommand, _ environment: Environment
    ) async throws {
        let workspace = try await Workspace(
            command.global, environment, checksAccount: type(of: command).checksAccount)
        do {
            try await command.run(in: workspace)
        } catch {
            // Interrupted: in a task of its own, which is not.
            if Task.isCancelled { await Task { await workspace.settle() }.value }
            throw error
        }
    }

    private static func status(of body: () async throws -> Void) async -> ExitStatus {
        do {
            try await body()
            return .done
        } catch let error as AuthError {
            ErrorText.print(error)
            return ExitStatus(error)
        } catch let error as CommandFailure {
            if let text = error.text { ErrorText.print(text, remedy: error.remedy) }
            return error.status
        } catch let error as StandardOutput.Fault {
            if case .failed(let reason) = error {
                ErrorText.print("the answer could not be written: \(reason)", remedy: nil)
            }
            return .storeOrKeyring
        } catch is CancellationError {
            return .interrupted
        } catch {
            return parserStatus(error)
        }
    }

    /// Help and version go to stdout with code 0, wrong usage to stderr with code 64.
    private static func parserStatus(_ error: any Error) -> ExitStatus {
        let text = RootCommand.fullMessage(for: error)
        guard RootCommand.exitCode(for: error) == .success else {
            if !text.isEmpty { StandardError.write(text + "\n") }
            return .usage
        }
        guard !text.isEmpty else { return .done }
        return (try? StandardOutput.write(text + "\n")) == nil ? .storeOrKeyring : .done
    }
}
