public import ArgumentParser
public import DemoProvider

/// `ksconnect-demo serve`: runs the embedded provider and API until it is told to stop.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run the provider and the API on loopback.",
        discussion: """
            When ready it prints one line of JSON on stdout: issuer, apiURL, controlURL, \
            controlKey, clientID, confidentialClientID, user, password. It ends on SIGTERM or \
            SIGINT.

            Example: ksconnect-demo serve --access-token-lifetime 10
            Example: ksconnect-demo serve --knobs '{"tokenFaults": [{"kind": "dropAfterCommit"}]}'
            """)

    @Option(help: "TCP port on 127.0.0.1; 0 asks for an ephemeral one.")
    var port = 0

    @Option(help: "The host name in the issuer: 127.0.0.1 or localhost.")
    var host = DemoServer.Configuration.Host.address

    @Flag(help: "Serve the API on a second port instead of under /api.")
    var apiOnOwnPort = false

    @Option(help: "Lifetime of an access token, in seconds.")
    var accessTokenLifetime = 3_600

    @Option(help: "Lifetime of an ID token, in seconds.")
    var identityTokenLifetime = 300

    @Option(help: "Lifetime of an authorization code, in seconds.")
    var codeLifetime = 300

    @Option(help: "Lifetime of a refresh token family, in seconds.")
    var refreshTokenLifetime = 30 * 86_400

    @Option(help: "What a refresh does to its token: oneTime or reuse.")
    var rotation = DemoServer.Configuration.Rotation.oneTime

    @Option(help: "How long a spent refresh token is still taken, in seconds.")
    var grace = 0

    @Flag(help: "Answer /v1.2/sites as a bare array.")
    var sitesAsBareArray = false

    @Option(help: "Items on one page of the API's lists where $top does not say.")
    var pageSize = 3

    @Flag(help: "Grant without asking for consent.")
    var skipConsent = false

    @Flag(help: "Leave the sample accounts off the login page.")
    var hideSampleAccounts = false

    @Option(
        help: ArgumentHelp(
            "What the control endpoint is sent first: faults, latencies and all other knobs.",
            valueName: "json"))
    var knobs: String?

    @Option(
        help: ArgumentHelp(
            "A file that gets one line for each request, secrets cut.", valueName: "file"))
    var requestLog: String?

    func validate() throws {
        guard (0...65_535).contains(port) else {
            throw ValidationError("--port is a number from 0 to 65535.")
        }
        let lifetimes = [
            accessTokenLifetime, identityTokenLifetime, codeLifetime, refreshTokenLifetime, grace,
        ]
        guard lifetimes.allSatisfy({ (0...3_153_600_000).contains($0) }) else {
            throw ValidationError("A lifetime is a number of seconds, 0 or more.")
        }
        guard (1...1_000).contains(pageSize) else {
            throw ValidationError("--page-size is a number from 1 to 1000.")
        }
    }

    func run() async throws {
        // Asked for before the start, or a signal in between would end the process at once.
        let signals = StopSignals()
        let server: DemoServer
        do throws(DemoServer.StartError) {
            server = try await DemoServer.start(configuration)
        } catch {
            StandardError.write("ksconnect-demo: \(error.explanation)")
            throw ExitCode(error.exitCode)
        }
        do throws(DemoServer.ControlError) {
            if let knobs { try await server.control(knobs) }
        } catch {
            await server.stop()
            switch error {
            case .refused(let reason): StandardError.write("ksconnect-demo: --knobs: \(reason)")
            }
            throw ExitCode.validationFailure
        }
        StandardOutput.write(server.readyLine.json)
        await signals.first()
        await server.stop()
    }

    private var configuration: DemoServer.Configuration {
        var configuration = DemoServer.Configuration()
        configuration.port = port
        configuration.host = host
        configuration.apiOnOwnPort = apiOnOwnPort
        configuration.accessTokenLifetimeSeconds = accessTokenLifetime
        configuration.identityTokenLifetimeSeconds = identityTokenLifetime
        configuration.authorizationCodeLifetimeSeconds = codeLifetime
        configuration.refreshTokenLifetimeSeconds = refreshTokenLifetime
        configuration.rotation = rotation
        configuration.graceSeconds = grace
        configuration.sitesAsBareArray = sitesAsBareArray
        configuration.pageSize = pageSize
        configuration.showsSampleAccounts = !hideSampleAccounts
        configuration.requestLogPath = requestLog
        for index in configuration.clients.indices where skipConsent {
            configuration.clients[index].requiresConsent = false
        }
        return configuration
    }
}

extension DemoServer.Configuration.Host: ExpressibleByArgument {}
extension DemoServer.Configuration.Rotation: ExpressibleByArgument {}

extension DemoServer.StartError {
    /// What happened, and what to do next.
    fileprivate var explanation: String {
        switch self {
        case .cannotListen(let port, let reason):
            "cannot listen on 127.0.0.1:\(port): \(reason). Choose another --port, or 0."
        case .requestLog(let path):
            "cannot write the request log \(path). Choose another --request-log."
        case .signingKey(let reason): "cannot make a signing key: \(reason)."
        }
    }

    /// The exit codes of the shipped command: 75 port taken, 74 file not writable, 70 a fault here.
    fileprivate var exitCode: Int32 {
        switch self {
        case .cannotListen: 75
        case .requestLog: 74
        case .signingKey: 70
        }
    }
}
