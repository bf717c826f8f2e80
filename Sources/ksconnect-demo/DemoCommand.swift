import ArgumentParser

/// The demonstration's own command, apart from the one that is shipped.
@main
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ksconnect-demo",
        abstract: "A sign-in provider and a KS Connect API on this computer, to try things out.",
        version: "0.1.0",
        subcommands: [ServeCommand.self, TourCommand.self, WalkCommand.self])
}
