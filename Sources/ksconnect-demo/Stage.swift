import DemoProvider
import FoundationEssentials

/// All that the tour needs around it: the provider, a folder of its own, the command.
struct Stage: Sendable {
    let server: DemoServer
    let journal: RequestJournal
    /// Who signs in.
    let person: DemoServer.Person
    /// Whether the tour plays the browser itself.
    let isHeadless: Bool
    /// Lifetime of the first access token.
    let lifetimeSeconds: Int

    private let ksconnect: String
    private let folder: ScratchFolder
    private let environment: [String: String]

    /// Starts the provider; ``clear()`` takes everything down again.
    init(
        ksconnect named: String?, isHeadless wanted: Bool, lifetimeSeconds: Int
    ) async throws(TourFailure) {
        let surroundings = ProcessInfo.processInfo.environment
        let hasDisplay = ["DISPLAY", "WAYLAND_DISPLAY"].contains {
            surroundings[$0]?.isEmpty == false
        }
        isHeadless = wanted || !hasDisplay
        self.lifetimeSeconds = lifetimeSeconds
        person = .alice
        let program = try OwnProgram.path()
        ksconnect = named ?? OwnProgram.sibling(of: program, named: "ksconnect")
        guard FileManager.default.isExecutableFile(atPath: ksconnect) else {
            throw .noCommand(path: ksconnect)
        }
        folder = try ScratchFolder()
        do throws(TourFailure) {
            environment = try Self.environment(
                surroundings, folder: folder, walker: isHeadless ? program : nil)
            journal = RequestJournal(path: folder.path("requests.log"))
            var configuration = DemoServer.Configuration()
            configuration.accessTokenLifetimeSeconds = lifetimeSeconds
            configuration.requestLogPath = journal.path
            server = try await Self.start(configuration)
        } catch {
            folder.remove()
            throw error
        }
    }

    private static func start(
        _ configuration: DemoServer.Configuration
    ) async throws(TourFailure) -> DemoServer {
        do throws(DemoServer.StartError) {
            return try await DemoServer.start(configuration)
        } catch {
            throw .noStage(reason: "the provider: \(error)")
        }
    }

    /// What the command sees: nothing of the person's own settings and store.
    private static func environment(
        _ surroundings: [String: String], folder: ScratchFolder, walker: String?
    ) throws(TourFailure) -> [String: String] {
        var environment = surroundings.filter { !$0.key.hasPrefix("KSCONNECT_") }
        environment["KSCONNECT_DATA_DIR"] = folder.path("data")
        environment["KSCONNECT_CONFIG"] = try folder.emptyFile("config.yaml")
        guard let walker else { return environment }
        // $BROWSER is split at spaces and colons, so it gets a path without any.
        let link = try folder.link("walker", to: walker)
        environment["BROWSER"] = "\(link) walk --report \(folder.path("walk.txt")) %s"
        for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
            environment[name] = nil
        }
        environment["HOME"] = folder.path("")
        return environment
    }

    /// The folder of the command's store.
    var dataFolder: String { folder.path("data") }

    /// Runs the command; its output comes line by line.
    ///
    /// - Returns: the exit code.
    func run(
        _ arguments: [String], onLine: @escaping @Sendable (String) -> Void
    ) async throws(TourFailure) -> Int32 {
        let code = try await ChildProcess.run(
            ksconnect, arguments: ["ksconnect"] + arguments, environment: environment,
            onLine: onLine)
        guard !Task.isCancelled else { throw .interrupted }
        return code
    }

    /// Why the walk through the login page ended early, where it did.
    var walkReport: String? { folder.text("walk.txt") }

    /// Lets access tokens from now on live so long.
    func setLifetime(seconds: Int) async throws(TourFailure) {
        do throws(DemoServer.ControlError) {
            try await server.control(#"{"accessTokenLifetimeSeconds": \#(seconds)}"#)
        } catch {
            throw .noStage(reason: "the provider refused a new lifetime: \(error)")
        }
    }

    /// Stops the provider; removes the folder, and the key of its store from the keyring.
    func clear() async {
        await server.stop()
        // A task of its own: the tour's may be cancelled, and what it runs ends at once then.
        await Task { await KeyringCleaner.forgetKeys(of: dataFolder, environment: environment) }
            .value
        folder.remove()
    }
}
