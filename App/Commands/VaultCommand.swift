import ArgumentParser
import AuthModels
import TokenVault

struct VaultCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vault",
        abstract: "Say where the key to the tokens is, renew it, move it.",
        discussion: "Example: ksconnect vault status",
        subcommands: [Status.self, RotateKey.self, Move.self], defaultSubcommand: Status.self)

    struct Status: SessionCommand {
        static let configuration = CommandConfiguration(
            commandName: "status", abstract: "Say where the key is and whether it can be used.",
            discussion: "Example: ksconnect vault status --json")

        @OptionGroup(title: "Settings") var global: GlobalOptions
        @Flag(help: "Print JSON.") var json = false

        static var checksAccount: Bool { false }

        func run(in workspace: Workspace) async throws {
            let report: VaultReport
            let state: KeyState
            do {
                state = try await workspace.vault.keyState()
                report = VaultReport(
                    vault: try await workspace.vault.vaultKind().rawValue, state: state,
                    store: workspace.settings.dataDirectory)
            } catch {
                throw AuthError.store(error)
            }
            if json {
                try JSONOutput.print(report)
            } else {
                try StandardOutput.write(report.fields.text)
            }
            if case .fault(let fault) = state { throw AuthError.store(.key(fault)) }
        }
    }

    struct RotateKey: SessionCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate-key",
            abstract: "Make a new key and seal everything anew with it.",
            discussion: """
                May be interrupted at any point: nothing is lost, and the next run ends the work.

                Example: ksconnect vault rotate-key
                """)

        @OptionGroup(title: "Settings") var global: GlobalOptions

        static var checksAccount: Bool { false }

        func run(in workspace: Workspace) async throws {
            let key: KeyID
            do { key = try await workspace.vault.rotateKey() } catch {
                throw AuthError.store(error)
            }
            StandardError.line("Everything is sealed with a new key now (\(key)).")
        }
    }

    struct Move: SessionCommand {
        static let configuration = CommandConfiguration(
            commandName: "move", abstract: "Have another vault keep the key from now on.",
            discussion: """
                A new key is made there, everything is sealed anew, and the old key is deleted. May \
                be interrupted at any point. Moving to where the key is already makes a new one, \
                under a new passphrase where it has one; a descriptor then gives the old one in its \
                first line and the new one in its second.

                Example: ksconnect vault move --to passphrase
                """)

        @OptionGroup(title: "Settings") var global: GlobalOptions
        @Option(help: "secret-service, passphrase or credential.") var to: VaultKind

        static var checksAccount: Bool { false }

        func run(in workspace: Workspace) async throws {
            let key: KeyID
            do { key = try await workspace.vault.moveKey(to: to) } catch {
                throw AuthError.store(error)
            }
            StandardError.line("\(to.rawValue) keeps the key now (\(key)).")
        }
    }
}

private struct VaultReport: Encodable {
    let vault: String
    let state: String
    let keptBy: String?
    let store: String
    let message: String?
    let remedy: String?

    init(vault: String, state: KeyState, store: String) {
        self.vault = vault
        self.state = state.name
        self.store = store
        keptBy = state.provider
        if case .fault(let fault) = state {
            message = fault.message
            remedy = fault.remedy
        } else {
            message = nil
            remedy = nil
        }
    }

    var fields: Fields {
        var fields = Fields()
        fields.add("vault", vault)
        fields.add("key", state)
        fields.add("kept by", keptBy)
        fields.add("store", store)
        return fields
    }
}

extension KeyState {
    /// Who keeps the key; nil where nobody can be asked.
    var provider: String? {
        switch self {
        case .available(let provider), .notMade(let provider): provider
        case .fault: nil
        }
    }
}
