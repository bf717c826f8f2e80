import AuthModels
import KSConnect

/// Finds sites and locks by what a person calls them, and says what the API said when it refused.
enum Door {
    /// All sites, or the one that is named.
    static func sites(_ api: KSConnectAPI, named name: String?) async throws -> [Site] {
        let all = try await translated { () throws(KSConnectError) in try await api.sites.collect()
        }
        guard let name else { return all }
        return [try choose(all, name, "site", { $0.id.rawValue }, { $0.name })]
    }

    /// The site that is named, or the only one.
    static func site(_ api: KSConnectAPI, named name: String?) async throws -> Site {
        let sites = try await sites(api, named: name)
        guard let site = sites.first, sites.count == 1 else {
            throw CommandFailure.usage(
                sites.isEmpty ? "there is no site" : "there are several sites",
                remedy: "name one with --site: " + sites.map(\.name).joined(separator: ", "))
        }
        return site
    }

    static func lock(_ api: KSConnectAPI, in site: Site, named name: String) async throws -> Lock {
        let all = try await translated { () throws(KSConnectError) in
            try await api.locks(in: site.id).collect()
        }
        return try choose(all, name, "lock", { $0.id.rawValue }, { $0.name })
    }

    /// An id wins over a name; a name that two things bear names neither.
    private static func choose<Thing>(
        _ things: [Thing], _ name: String, _ kind: String, _ id: (Thing) -> String,
        _ title: (Thing) -> String
    ) throws -> Thing {
        if let thing = things.first(where: { id($0).isExactly(name) }) { return thing }
        let found = things.filter { title($0).isExactly(name) }
        guard let thing = found.first else {
            throw CommandFailure.usage(
                "there is no \(kind) \(name)",
                remedy: Suggestions.text(for: name, among: things.map(title)))
        }
        guard found.count == 1 else {
            throw CommandFailure.usage(
                "several \(kind)s are called \(name)",
                remedy: "give an id: " + found.map(id).joined(separator: ", "))
        }
        return thing
    }

    /// Runs calls of the API, their refusals told as the command's own failures.
    static func translated<Result>(
        _ calls: () async throws(KSConnectError) -> Result
    ) async throws -> Result {
        do throws(KSConnectError) {
            return try await calls()
        } catch {
            switch error {
            case .auth(let error): throw error
            case .otpMissing(let fault):
                throw refused(fault, remedy: "the lock wants a one-time password: give --otp-file")
            case .otpInvalid(let fault):
                throw refused(fault, remedy: "check the one-time password and try again")
            case .otpBlocked(let fault):
                throw refused(
                    fault, remedy: "too many wrong ones: have the one-time password reset")
            case .outcomeUnknown(let why, let fault):
                throw CommandFailure(
                    status: fault == nil ? .unavailable : .apiRefused,
                    text: "nobody knows whether the door was opened: \(why)",
                    remedy: lookFirst)
            case .service(let fault): throw refused(fault, remedy: nil)
            case .unreadable(let reason): throw AuthError.protocolFailure(reason)
            }
        }
    }

    /// Said wherever an unlock may have been carried out.
    static let lookFirst =
        "look at the door, or at `ksconnect entries`, before you try again: it would be opened again"

    private static func refused(_ fault: ServiceFault, remedy: String?) -> CommandFailure {
        CommandFailure(
            status: .apiRefused,
            text: "the API answered HTTP \(fault.status)" + (fault.message.map { ": \($0)" } ?? ""),
            remedy: remedy)
    }
}
