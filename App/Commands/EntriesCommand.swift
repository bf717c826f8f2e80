import ArgumentParser
import KSConnect

struct EntriesCommand: SessionCommand {
    static let configuration = CommandConfiguration(
        commandName: "entries",
        abstract: "List what happened at a site's doors, latest first.",
        discussion: "Example: ksconnect entries --site Headquarters --limit 10")

    @OptionGroup(title: "Settings") var global: GlobalOptions
    @Option(help: "A site's name or id; may be left out where there is one.") var site: String?
    @Option(help: ArgumentHelp("How many.", valueName: "count")) var limit = 20
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (1...10_000).contains(limit) else {
            throw ValidationError("--limit is a number from 1 to 10000.")
        }
    }

    func run(in workspace: Workspace) async throws {
        let api = try await workspace.client.api()
        let site = try await Door.site(api, named: site)
        let entries = try await Door.translated { () async throws(KSConnectError) -> [Entry] in
            var entries: [Entry] = []
            var iterator = api.entries(in: site.id, top: min(limit, 100)).makeAsyncIterator()
            while entries.count < limit, let entry = try await iterator.next() {
                entries.append(entry)
            }
            return entries
        }
        guard !json else { return try JSONOutput.print(entries) }
        var table = Table(["TIME", "LOCK", "EVENT", "WHO"])
        for entry in entries {
            let who = [entry.userFirstName, entry.userLastName].compactMap { $0 }
                .joined(separator: " ")
            table.add([
                entry.time?.text, entry.lockName, entry.eventDetail?.rawValue,
                who.isEmpty ? nil : who,
            ])
        }
        try StandardOutput.write(table.text)
    }
}
