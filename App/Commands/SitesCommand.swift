import ArgumentParser
import KSConnect

struct SitesCommand: SessionCommand {
    static let configuration = CommandConfiguration(
        commandName: "sites",
        abstract: "List the sites.",
        discussion: "Example: ksconnect sites")

    @OptionGroup(title: "Settings") var global: GlobalOptions
    @Flag(help: "Print JSON.") var json = false

    func run(in workspace: Workspace) async throws {
        let api = try await workspace.client.api()
        let sites = try await Door.translated { () throws(KSConnectError) in
            try await api.sites.collect()
        }
        guard !json else { return try JSONOutput.print(sites) }
        var table = Table(["SITE", "COUNTRY", "TIME ZONE", "USERS", "ID"])
        for site in sites {
            table.add([
                site.name, site.countryCode, site.timeZone, site.activeUserAmount.map(String.init),
                site.id.rawValue,
            ])
        }
        try StandardOutput.write(table.text)
    }
}
