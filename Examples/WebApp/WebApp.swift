import ArgumentParser
import AuthModels
import Desktop
import Foundation
import KSConnect
import Logging

/// A web application on the KSConnect core: many people signed in at once, each by a cookie that
/// holds no token. README.md says how to run it and what to read first.
@main
struct WebApp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ksconnect-webapp",
        abstract: "Serve people's sites as web pages.",
        discussion: """
            When ready it prints one line of JSON on stdout. It ends on SIGTERM or SIGINT, once the \
            requests under way are answered. The client's secret comes from --client-secret-file \
            or from KSCONNECT_CLIENT_SECRET.
            """)

    @OptionGroup var options: Options

    func run() async throws {
        // First of all: what follows holds secrets.
        ProcessHardening.apply()
        let level = options.logLevel
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            handler.logLevel = level
            return handler
        }
        do {
            let settings = try Settings(options, ProcessInfo.processInfo.environment)
            try await Server(settings).run()
        } catch let error as AuthError {
            FileHandle.standardError.write(
                Data("ksconnect-webapp: \(error.message); \(error.remedy)\n".utf8))
            throw ExitCode(78)
        }
    }
}
