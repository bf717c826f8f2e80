internal import AuthModels
public import AuthenticatedHTTP
internal import FoundationEssentials
internal import HTTPTypes

/// The KS Connect API of one account, typed.
///
///     for try await site in api.sites {
///         for try await lock in site.locks { print(lock.name) }
///     }
public struct KSConnectAPI: Sendable {
    private let calls: KSCalls

    /// For calls that have no type here.
    public var http: APIClient { calls.http }

    public init(http: APIClient) {
        calls = KSCalls(http: http)
    }

    // MARK: Reading

    /// Who is signed in.
    public func me() async throws(KSConnectError) -> Person {
        try await calls.get("/v1.2/me")
    }

    /// The sites that the person may see.
    public var sites: KSList<Site> { list("/v1.2/sites") }

    /// One site.
    public func site(_ id: SiteID) async throws(KSConnectError) -> Site {
        try await calls.get("/v1.2/sites/\(id)")
    }

    /// The locks that the person may see there.
    public func locks(in site: SiteID) -> KSList<Lock> {
        list("/v1.2/sites/\(site)/locks", about: site)
    }

    /// One lock.
    public func lock(_ id: LockID, in site: SiteID) async throws(KSConnectError) -> Lock {
        try await calls.about(site).get("/v1.2/sites/\(site)/locks/\(id)")
    }

    /// What happened at the site's doors, latest first.
    ///
    /// - Parameter top: how many the service is asked for at once, 1 to 100; further pages follow.
    public func entries(in site: SiteID, top: Int = 20) -> KSList<Entry> {
        let top = min(max(top, 1), 100)
        // v1.2 answers 405.
        return list("/v1.1/sites/\(site)/entries?$top=\(top)&$orderby=utc_date_time%20desc")
    }

    /// Who may open doors there.
    public func users(in site: SiteID) -> KSList<SiteUser> { list("/v1.2/sites/\(site)/users") }

    /// The hubs of the site.
    public func iqs(in site: SiteID) -> KSList<IQ> { list("/v1.2/sites/\(site)/iqs") }

    private func list<Element>(_ path: String, about site: SiteID? = nil) -> KSList<Element> {
        KSList(calls: site.map { calls.about($0) } ?? calls, first: calls.url(path))
    }

    // MARK: Doors

    /// Opens a real door. Sent once; a second time only after a 401, which means that it was not
    /// carried out.
    ///
    /// - Throws: `.otpMissing`, `.otpInvalid` and `.otpBlocked` for the one-time password;
    ///   `.outcomeUnknown` when the answer is lost: the door may have been opened, and trying again
    ///   may open it again. Nobody knows either where the task was cancelled under way.
    public func unlock(
        _ lock: LockID, in site: SiteID, otp: OneTimePassword? = nil
    ) async throws(KSConnectError) {
        let url = try calls.url("/v1.2/sites/\(site)/locks/\(lock)/locking").get()
        let body = try LockingChange(lockedState: .unlocked, otp: otp).encoded()
        do throws(KSConnectError) {
            _ = try await calls.succeed(.patch, url, body: .bytes(body))
        } catch {
            throw error.ofUnlock
        }
    }
}

/// The body of `PATCH …/locking`.
private struct LockingChange: Encodable {
    let lockedState: LockedState
    let otp: OneTimePassword?

    enum CodingKeys: String, CodingKey {
        case lockedState = "locked_state"
        case otp
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(lockedState, forKey: .lockedState)
        try container.encodeIfPresent(otp?.reveal(), forKey: .otp)
    }

    func encoded() throws(KSConnectError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        do {
            return [UInt8](try encoder.encode(self))
        } catch {
            throw .unreadable("the request's body cannot be written")
        }
    }
}
