import AuthModels
import FoundationEssentials
import KSConnect
import Logging
import TokenVault

/// What one run was told: a flag wins over an environment variable, which wins over the config
/// file, which wins over what the account was signed in with and the built-in profile.
struct Settings: Sendable {
    /// What a flag or a variable says; it must not contradict the account that is used.
    let spoken: ProfileSettings
    /// The profile that a flag or a variable names.
    let spokenProfile: ProfileSettings?
    /// The profile that the config file names, or its additions to the default one.
    let configured: ProfileSettings
    let account: AccountName?
    let dataDirectory: String
    /// Nil where nobody chose: the one that keeps the key already.
    let vault: VaultKind?
    /// The descriptor that the vault's passphrase is read from.
    let passphraseDescriptor: Int32?
    let logLevel: Logger.Level
    /// From the variable; a file wins over it.
    let secretFromEnvironment: SecretBytes?

    init(_ flags: GlobalOptions, _ environment: Environment) throws {
        let file = try Self.file(flags, environment)
        spoken = ProfileSettings(
            issuer: flags.issuer ?? environment["KSCONNECT_ISSUER"],
            clientID: flags.clientId ?? environment["KSCONNECT_CLIENT_ID"],
            clientSecretFile: flags.clientSecretFile,
            clientAuth: flags.clientAuth?.rawValue ?? environment["KSCONNECT_CLIENT_AUTH"],
            dpop: flags.dpop.map { $0 ? "true" : "false" } ?? environment["KSCONNECT_DPOP"],
            prompt: flags.prompt ?? environment["KSCONNECT_PROMPT"],
            scope: flags.scope ?? environment["KSCONNECT_SCOPE"],
            redirectURI: flags.redirectUri ?? environment["KSCONNECT_REDIRECT_URI"],
            apiURL: flags.apiUrl ?? environment["KSCONNECT_API_URL"])
        spokenProfile = try (flags.profile ?? environment["KSCONNECT_PROFILE"])
            .map { try Self.profile($0, file) }
        configured =
            try file.profile.map { try Self.profile($0, file) }
            ?? file.profiles[Profile.production.name] ?? ProfileSettings()
        account = try Self.account(flags, environment, file)
        dataDirectory = try Self.dataDirectory(
            flags.dataDir ?? environment["KSCONNECT_DATA_DIR"] ?? file.dataDir, environment)
        vault = try flags.vault ?? Self.vault(environment["KSCONNECT_VAULT"] ?? file.vault)
        passphraseDescriptor = try Self.passphraseDescriptor(flags, environment)
        logLevel = try Self.logLevel(flags, environment, file)
        secretFromEnvironment = environment.clientSecret
    }

    private static func file(
        _ flags: GlobalOptions, _ environment: Environment
    ) throws -> ConfigFile {
        if let path = flags.config ?? environment["KSCONNECT_CONFIG"] {
            return try ConfigFile.read(path, isNamed: true)
        }
        guard let folder = environment.baseFolder("XDG_CONFIG_HOME", fallback: ".config") else {
            return ConfigFile()
        }
        return try ConfigFile.read("\(folder)/ksconnect/config.yaml", isNamed: false)
    }

    private static func profile(_ name: String, _ file: ConfigFile) throws -> ProfileSettings {
        let builtIn = Profile.builtIn.first { $0.name.isExactly(name) }.map { profile in
            ProfileSettings(issuer: profile.issuer, apiURL: profile.apiBase)
        }
        let named = file.profiles.first { $0.key.isExactly(name) }?.value
        switch (named, builtIn) {
        case (let named?, let builtIn?): return named.filled(from: builtIn)
        case (let named?, nil): return named
        case (nil, let builtIn?): return builtIn
        case (nil, nil):
            throw CommandFailure.configuration(
                "there is no profile \(name)",
                remedy: "built in are production and acceptance; the config file may name more")
        }
    }

    private static func account(
        _ flags: GlobalOptions, _ environment: Environment, _ file: ConfigFile
    ) throws -> AccountName? {
        if let account = flags.account { return account }
        guard let name = environment["KSCONNECT_ACCOUNT"] ?? file.account else { return nil }
        guard let account = AccountName(name) else {
            throw CommandFailure.configuration(
                "the account's name holds a character that names cannot have, or is too long",
                remedy: "correct KSCONNECT_ACCOUNT or the config file")
        }
        return account
    }

    private static func dataDirectory(
        _ named: String?, _ environment: Environment
    ) throws -> String {
        if let named {
            return named.hasPrefix("/")
                ? named : FileManager.default.currentDirectoryPath + "/" + named
        }
        guard let folder = environment.baseFolder("XDG_DATA_HOME", fallback: ".local/share") else {
            throw CommandFailure.configuration(
                "there is no folder for the store: HOME is not set",
                remedy: "name one with --data-dir")
        }
        return "\(folder)/ksconnect"
    }

    private static func vault(_ name: String?) throws -> VaultKind? {
        guard let name else { return nil }
        guard let kind = VaultKind(rawValue: name) else {
            throw CommandFailure.configuration(
                "there is no vault \(name)",
                remedy: "choose " + VaultKind.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return kind
    }

    private static func passphraseDescriptor(
        _ flags: GlobalOptions, _ environment: Environment
    ) throws -> Int32? {
        let name = environment["KSCONNECT_PASSPHRASE_FD"]
        guard let number = flags.passphraseFd ?? name.map({ Int32($0) ?? -1 }) else { return nil }
        guard FileInput.isOpen(number) else {
            throw CommandFailure.configuration(
                "the passphrase's descriptor is not open",
                remedy: "give a number, as in: ksconnect token --passphrase-fd 3 3<FILE")
        }
        return number
    }

    private static func logLevel(
        _ flags: GlobalOptions, _ environment: Environment, _ file: ConfigFile
    ) throws -> Logger.Level {
        if flags.verbose > 0 { return flags.verbose == 1 ? .debug : .trace }
        guard let name = environment["KSCONNECT_LOG_LEVEL"] ?? file.logLevel else {
            return .warning
        }
        guard let level = Logger.Level(rawValue: name.lowercased()) else {
            throw CommandFailure.configuration(
                "there is no log level \(name)",
                remedy: "choose trace, debug, info, notice, warning, error or critical")
        }
        return level
    }
}
