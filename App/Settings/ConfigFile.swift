import Yams

/// `config.yaml`: named sets of settings, and which of them is meant.
///
///     profile: office
///     profiles:
///       office:
///         issuer: https://identity.example
///         client-id: 73e9cf0d
///         api-url: https://api.example
struct ConfigFile: Sendable {
    var profile: String?
    var account: String?
    var dataDir: String?
    var logLevel: String?
    var vault: String?
    var profiles: [String: ProfileSettings] = [:]

    static let bytesMax = 1 << 20

    /// - Parameter isNamed: whether the person named this path; only then must it exist.
    /// - Throws: a failure with code 78 that says where the file is wrong.
    static func read(_ path: String, isNamed: Bool) throws -> ConfigFile {
        let bytes: [UInt8]
        do {
            bytes = try FileInput.read(path, bytesMax: bytesMax)
        } catch {
            if !isNamed, error.isMissing { return ConfigFile() }
            throw CommandFailure.configuration(
                "the config file cannot be read: \(path): \(error.reason)",
                remedy: "correct --config or KSCONNECT_CONFIG")
        }
        do {
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw Fault("it is not UTF-8")
            }
            return try parse(text)
        } catch let fault as Fault {
            throw wrong(path, fault.reason)
        } catch let error as YamlError {
            throw wrong(path, "\(error)".split(separator: "\n").joined(separator: " "))
        }
    }

    private static func wrong(_ path: String, _ reason: String) -> CommandFailure {
        .configuration("the config file is wrong: \(path): \(reason)", remedy: "correct the file")
    }

    private struct Fault: Error {
        let reason: String
        init(_ reason: String) { self.reason = reason }
    }

    private static func parse(_ text: String) throws -> ConfigFile {
        var file = ConfigFile()
        guard let root = try Yams.compose(yaml: text) else { return file }
        for (name, node) in try entries(root, "the file") {
            switch name {
            case "profile": file.profile = try string(node, name)
            case "account": file.account = try string(node, name)
            case "data-dir": file.dataDir = try string(node, name)
            case "log-level": file.logLevel = try string(node, name)
            case "vault": file.vault = try string(node, name)
            case "profiles":
                for (profile, node) in try entries(node, name) {
                    file.profiles[profile] = try settings(node, profile)
                }
            default: throw Fault("there is no setting \(name)")
            }
        }
        return file
    }

    private static func settings(_ node: Node, _ profile: String) throws -> ProfileSettings {
        var settings = ProfileSettings()
        for (name, node) in try entries(node, "profile \(profile)") {
            let value = try string(node, "\(name) of profile \(profile)")
            switch name {
            case "issuer": settings.issuer = value
            case "client-id": settings.clientID = value
            case "client-secret-file": settings.clientSecretFile = value
            case "client-auth": settings.clientAuth = value
            case "dpop": settings.dpop = value
            case "prompt": settings.prompt = value
            case "scope": settings.scope = value
            case "redirect-uri": settings.redirectURI = value
            case "api-url": settings.apiURL = value
            default: throw Fault("profile \(profile) has no setting \(name)")
            }
        }
        return settings
    }

    private static func entries(_ node: Node, _ what: String) throws -> [(String, Node)] {
        // An empty value is an empty mapping.
        if node.scalar?.string.isEmpty == true { return [] }
        guard let mapping = node.mapping else { throw Fault("\(what) is no mapping") }
        return try mapping.map { key, value in
            guard let name = key.scalar?.string else {
                throw Fault("\(what) has a key that is no name")
            }
            return (name, value)
        }
    }

    private static func string(_ node: Node, _ what: String) throws -> String {
        guard let scalar = node.scalar, !scalar.string.isEmpty else {
            throw Fault("\(what) is no text")
        }
        return scalar.string
    }
}

/// One profile's settings, as texts that nobody has judged yet.
struct ProfileSettings: Sendable {
    var issuer: String?
    var clientID: String?
    var clientSecretFile: String?
    var clientAuth: String?
    var dpop: String?
    var prompt: String?
    var scope: String?
    var redirectURI: String?
    var apiURL: String?

    /// What is missing here is taken from `other`.
    func filled(from other: ProfileSettings) -> ProfileSettings {
        ProfileSettings(
            issuer: issuer ?? other.issuer, clientID: clientID ?? other.clientID,
            clientSecretFile: clientSecretFile ?? other.clientSecretFile,
            clientAuth: clientAuth ?? other.clientAuth, dpop: dpop ?? other.dpop,
            prompt: prompt ?? other.prompt, scope: scope ?? other.scope,
            redirectURI: redirectURI ?? other.redirectURI, apiURL: apiURL ?? other.apiURL)
    }

    /// Whether tokens are to be bound to a key; nil where nobody says.
    func usesDPoP() throws -> Bool? {
        switch dpop?.lowercased() {
        case nil: nil
        case "true", "yes", "on", "1": true
        case "false", "no", "off", "0": false
        case let value?:
            throw CommandFailure.configuration(
                "the setting dpop is neither true nor false: \(Printable.text(value))")
        }
    }
}
