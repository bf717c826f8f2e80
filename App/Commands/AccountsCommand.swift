import ArgumentParser
import AuthModels

struct AccountsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "accounts",
        abstract: "List the accounts, choose the current one, or remove one.",
        discussion: """
            The current account is used where --account names none: the first that signed in, \
            until `accounts use`.

            Example: ksconnect accounts use office
            """,
        subcommands: [List.self, Use.self, Remove.self], defaultSubcommand: List.self)

    struct List: SessionCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "List the accounts.",
            discussion: "Example: ksconnect accounts list --json")

        @OptionGroup(title: "Settings") var global: GlobalOptions
        @Flag(help: "Print JSON.") var json = false

        static var checksAccount: Bool { false }

        func run(in workspace: Workspace) async throws {
            let rows = try await AccountRow.all(workspace)
            guard !json else { return try JSONOutput.print(rows) }
            guard !rows.isEmpty else {
                return StandardError.line("No account has signed in yet.")
            }
            var table = Table(["", "ACCOUNT", "STATE", "PROVIDER", "PERSON"])
            for row in rows {
                table.add([row.current ? "*" : "", row.account, row.state, row.issuer, row.subject])
            }
            try StandardOutput.write(table.text)
        }
    }

    struct Use: SessionCommand {
        static let configuration = CommandConfiguration(
            commandName: "use", abstract: "Make an account the current one.",
            discussion: "Example: ksconnect accounts use office")

        @OptionGroup(title: "Settings") var global: GlobalOptions
        @Argument(help: "The account's name.") var name: AccountName
        @Flag(help: "Print the accounts as JSON.") var json = false

        static var checksAccount: Bool { false }

        func run(in workspace: Workspace) async throws {
            try await AccountRow.require(name, workspace)
            do { try await workspace.store.useAccount(name) } catch { throw AuthError.store(error) }
            StandardError.line(Printable.text("The current account is now \(name)."))
            if json { try JSONOutput.print(try await AccountRow.all(workspace)) }
        }
    }

    struct Remove: SessionCommand {
        static let configuration = CommandConfiguration(
            commandName: "remove",
            abstract: "Sign an account out and forget its settings.",
            discussion: "Example: ksconnect accounts remove office")

        @OptionGroup(title: "Settings") var global: GlobalOptions
        @Argument(help: "The account's name.") var name: AccountName
        @Flag(help: "Print the accounts that are left as JSON.") var json = false

        static var checksAccount: Bool { false }

        func run(in workspace: Workspace) async throws {
            try await AccountRow.require(name, workspace)
            do { try await workspace.store.removeAccount(name) } catch {
                throw AuthError.store(error)
            }
            StandardError.line(Printable.text("The account \(name) is removed."))
            await workspace.sendDueRevocations()
            if json { try JSONOutput.print(try await AccountRow.all(workspace)) }
        }
    }
}

private struct AccountRow: Encodable {
    let account: String
    let current: Bool
    let state: String
    let issuer: String
    let subject: String?

    static func all(_ workspace: Workspace) async throws -> [AccountRow] {
        do {
            let current = try await workspace.store.currentAccount()
            return try await workspace.store.accounts().map { record in
                AccountRow(
                    account: record.account.rawValue, current: record.account == current,
                    state: record.phase.name, issuer: record.registration.issuer.rawValue,
                    subject: record.identity?.subject.rawValue)
            }
        } catch {
            throw AuthError.store(error)
        }
    }

    static func require(_ name: AccountName, _ workspace: Workspace) async throws {
        let records: [SessionRecord]
        do { records = try await workspace.store.accounts() } catch { throw AuthError.store(error) }
        guard records.contains(where: { $0.account == name }) else {
            throw CommandFailure.usage(
                "there is no account \(name)", remedy: "`ksconnect accounts` lists them")
        }
    }
}

extension SessionRecord.Phase {
    /// As `status --json` names it.
    fileprivate var name: String {
        switch self {
        case .active: "signedIn"
        case .expired: "expired"
        case .signedOut: "signedOut"
        }
    }
}
