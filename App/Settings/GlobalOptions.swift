public import ArgumentParser
public import AuthModels
public import TokenVault

/// The flags that every command takes; see the table in docs/cli.md.
struct GlobalOptions: ParsableArguments {
    @Option(help: "A named set of settings: production, acceptance, or one of the config file.")
    var profile: String?

    @Option(
        help: ArgumentHelp("The identity provider; discovery is done from it.", valueName: "url"))
    var issuer: String?

    @Option(help: "The client's id at the provider.")
    var clientId: String?

    @Option(
        help: ArgumentHelp(
            "A confidential client's secret, from a file or from stdin (-).", valueName: "path"))
    var clientSecretFile: String?

    @Option(help: "How a secret is sent: basic, basic-raw or post.")
    var clientAuth: ClientAuth?

    @Flag(inversion: .prefixedNo, help: "Bind tokens to a key of this machine (DPoP).")
    var dpop: Bool?

    @Option(help: "Sent as prompt, for example consent.")
    var prompt: String?

    @Option(help: ArgumentHelp("Space-separated scope values.", valueName: "scope"))
    var scope: String?

    @Option(help: ArgumentHelp("A loopback redirect URI; port 0: any.", valueName: "uri"))
    var redirectUri: String?

    @Option(help: ArgumentHelp("Base of the API; the token goes nowhere else.", valueName: "url"))
    var apiUrl: String?

    @Option(help: "Which account; the current one unless told.")
    var account: AccountName?

    @Option(help: ArgumentHelp("The config file.", valueName: "path"))
    var config: String?

    @Option(help: ArgumentHelp("The folder of the token store.", valueName: "path"))
    var dataDir: String?

    @Option(
        help: "What keeps the key to the tokens; the one that keeps it already unless told.")
    var vault: VaultKind?

    @Option(help: ArgumentHelp("Read the vault's passphrase from here.", valueName: "descriptor"))
    var passphraseFd: Int32?

    @Flag(name: .shortAndLong, help: "Log to stderr; twice: all there is. Never a secret.")
    var verbose: Int
}

/// How a confidential client sends its secret.
enum ClientAuth: String, ExpressibleByArgument, CaseIterable, Sendable {
    case basic
    case basicRaw = "basic-raw"
    case post

    var authentication: ClientAuthentication {
        switch self {
        case .basic: .basic
        case .basicRaw: .basicRaw
        case .post: .post
        }
    }
}

extension VaultKind: ExpressibleByArgument {}

extension AccountName: ExpressibleByArgument {
    public init?(argument: String) {
        self.init(argument)
    }
}
