import AuthModels
import Hummingbird
import KSConnect

/// What a person sees of KS Connect: `/sites` and `/sites/{id}`.
struct SitePages: Sendable {
    let visitors: Visitors

    /// A page is for people: nobody reads more.
    private static let rowsMax = 500

    func sites(_ request: Request) async throws -> Response {
        let api = try await visitors.client(of: request).api()
        async let person = api.me()
        var rows: [HTML] = []
        for try await site in api.sites {
            guard rows.count < Self.rowsMax else { break }
            rows.append(
                """
                <li><span><a href="/sites/\(site.id.rawValue)" dir="auto">\(site.name)</a>
                <small>\(site.timeZone ?? "")</small></span></li>
                """)
        }
        let none: HTML = rows.isEmpty ? "<p>No site is open to you yet.</p>" : ""
        return Page(
            title: "Sites",
            body: """
                <h1>Sites</h1>
                <p class="lead">Where you may open doors.</p>
                \(none)<ul class="cards">
                \(rows)</ul>
                """,
            person: try await person.displayName
        ).response
    }

    func site(_ request: Request, _ id: String?) async throws -> Response {
        guard let id = id.flatMap(SiteID.init) else { throw HTTPError(.notFound) }
        let api = try await visitors.client(of: request).api()
        async let person = api.me()
        async let site = api.site(id)
        var rows: [HTML] = []
        for try await lock in api.locks(in: id) {
            guard rows.count < Self.rowsMax else { break }
            rows.append(
                """
                <li><span><strong dir="auto">\(lock.name)</strong>
                <small>\(lock.kind)</small></span>
                <span class="tag">\(lock.condition)</span></li>
                """)
        }
        return Page(
            title: try await site.name,
            body: """
                <p><a href="/sites">All sites</a></p>
                <h1 dir="auto">\(try await site.name)</h1>
                <p class="lead">\(rows.count) \(rows.count == 1 ? "door" : "doors")</p>
                <ul class="cards">
                \(rows)</ul>
                """,
            person: try await person.displayName
        ).response
    }
}

extension Person {
    fileprivate var displayName: String {
        let names = [firstName, lastName].compactMap { $0 }.joined(separator: " ")
        return names.isEmpty ? email ?? "Signed in" : names
    }
}

extension Lock {
    fileprivate var kind: String {
        (lockType?.rawValue ?? "").split(separator: "_").joined(separator: " ")
    }

    fileprivate var condition: String {
        if isOnline == false { return "offline" }
        return switch lockedState {
        case .locked: "locked"
        case .unlocked: "unlocked"
        case .officeMode: "open for all"
        default: "state unknown"
        }
    }
}
