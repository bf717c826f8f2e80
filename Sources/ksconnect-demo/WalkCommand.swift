import ArgumentParser
import DemoProvider
import FoundationEssentials

/// `ksconnect-demo walk`: the browser of a tour without a display. Hidden: it serves the tour alone.
struct WalkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "walk", abstract: "Walk the demo's login page as its sample person.",
        shouldDisplay: false)

    @Option(help: "A file that is told why the walk failed; nobody sees this program's stderr.")
    var report: String?

    @Argument(help: "The address that a browser would open.")
    var url: String

    func run() async throws {
        do throws(PageWalk.Failure) {
            try await PageWalk(person: .alice).go(from: url)
        } catch {
            StandardError.write(error.reason)
            if let report {
                _ = FileManager.default.createFile(
                    atPath: report, contents: Data(error.reason.utf8))
            }
            throw ExitCode(1)
        }
    }
}
