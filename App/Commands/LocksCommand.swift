import ArgumentParser
import KSConnect

struct LocksCommand: SessionCommand {
    static let configuration = CommandConfiguration(
        commandName: "locks",
        abstract: "List the locks of a site, or of all.",
        discussion: "Example: ksconnect locks --site Headquarters")

    @OptionGroup(title: "Settings") var global: GlobalOptions
    @Option(help: "A site's name or id; all sites unless told.") var site: String?
    @Flag(help: "Print JSON.") var json = false

    func run(in workspace: Workspace) async throws {
        let api = try await workspace.client.api()
        let sites = try await Door.sites(api, named: site)
        var found: [(site: Site, lock: Lock)] = []
        for site in sites {
            let locks = try await Door.translated { () throws(KSConnectError) in
                try await api.locks(in: site.id).collect()
            }
            found += locks.map { (site, $0) }
        }
        guard !json else { return try JSONOutput.print(found.map(\.lock)) }
        var table = Table(["SITE", "LOCK", "STATE", "ONLINE", "BATTERY", "ID"])
        for (site, lock) in found {
            table.add([
                site.name, lock.name, lock.lockedState?.rawValue,
                lock.isOnline.map { $0 ? "yes" : "no" }, lock.batteryLevel?.rawValue,
                lock.id.rawValue,
            ])
        }
        try StandardOutput.write(table.text)
    }
}
