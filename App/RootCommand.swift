import ArgumentParser

/// `ksconnect`.
struct RootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ksconnect",
        abstract: "Sign in to KS Connect and call its API.",
        discussion: """
            Examples:
              ksconnect login --client-id 73e9cf0d-561a-11e9-9b32-000d3a46a880
              ksconnect locks --site Headquarters
              ksconnect unlock "Front door" --site Headquarters
              curl -H "Authorization: Bearer $(ksconnect token)" ...

            Answers go to stdout, everything else to stderr. Exit codes: 0 done, \
            1 the API said no, 64 wrong usage, 69 no answer, 74 store or keyring, \
            75 try again later, 76 broken protocol, 77 signing in is needed, \
            78 wrong configuration, 130 interrupted.
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(
                name: "Signing in and out",
                subcommands: [
                    LoginCommand.self, LogoutCommand.self, StatusCommand.self, AccountsCommand.self,
                ]),
            CommandGroup(
                name: "Tokens and calls",
                subcommands: [
                    TokenCommand.self, RefreshCommand.self, APICommand.self, WhoamiCommand.self,
                ]),
            CommandGroup(
                name: "Doors",
                subcommands: [
                    SitesCommand.self, LocksCommand.self, UnlockCommand.self, EntriesCommand.self,
                ]),
            CommandGroup(
                name: "This machine", subcommands: [VaultCommand.self, DoctorCommand.self]),
        ])
}
