import ArgumentParser
import KSConnect
import Logging

/// What the person who runs the application says. Times are in seconds.
struct Options: ParsableArguments {
    @Option(help: "The provider, as it calls itself.")
    var issuer = Profile.production.issuer

    @Option(name: .customLong("api-url"), help: "Base of the KS Connect API.")
    var apiURL = Profile.production.apiBase

    @Option(name: .customLong("client-id"), help: "This application's client at the provider.")
    var clientID: String

    @Option(help: "A file with the client's secret.")
    var clientSecretFile: String?

    @Option(help: "What is asked for at sign-in.")
    var scope = Profile.scope

    @Option(
        name: .customLong("public-url"),
        help: "Where browsers reach it: https://host, or http on a loopback host for development.")
    var publicURL: String

    @Option(help: "The address to listen on. TLS ends before it.")
    var bind = "127.0.0.1"

    @Option(help: "The TCP port to listen on.")
    var port = 8080

    @Option(help: "The folder of the store, an absolute path.")
    var dataDir: String

    @Option(help: "Who keeps the store's key: credential (systemd) or secret-service.")
    var vault = Settings.Vault.credential

    @Option(help: "After this long everybody signs in again.")
    var sessionLifetime = 30 * 86_400

    @Option(help: "Who did nothing for this long is signed out.")
    var idleLimit = 7 * 86_400

    @Option(help: "How often idle sessions are looked for.")
    var sweepInterval = 900

    @Option(help: "How many people's sessions are kept in memory; the others are in the store.")
    var clientsMax = 1_000

    @Option(help: "How many sign-ins may be under way at once.")
    var signInsMax = 500

    @Option(help: "How long a person may take at the provider.")
    var signInTimeout = 300

    @Option(help: "After this long a page is given up.")
    var requestDeadline = 30

    @Option(
        help: "trace, debug, info, notice, warning, error or critical.",
        transform: { text in
            guard let level = Logger.Level(rawValue: text) else {
                throw ValidationError("--log-level is none of its levels.")
            }
            return level
        })
    var logLevel = Logger.Level.info

    func validate() throws {
        guard (1...65_535).contains(port) else {
            throw ValidationError("--port is a number from 1 to 65535.")
        }
        let positive = [
            sessionLifetime, idleLimit, sweepInterval, clientsMax, signInsMax, signInTimeout,
            requestDeadline,
        ]
        guard positive.allSatisfy({ (1...3_153_600_000).contains($0) }) else {
            throw ValidationError("Times and limits are whole numbers, 1 or more.")
        }
    }
}

extension Settings.Vault: ExpressibleByArgument {}
