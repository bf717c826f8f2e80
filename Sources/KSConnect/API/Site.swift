/// A building or a part of one (`GET /v1.2/sites`).
public struct Site: KSObject, Identifiable {
    public let fields: [String: ServiceValue]
    public let id: SiteID
    public let siteUID: String?
    /// The site's name.
    public let customerReference: String?
    /// A name of the time zone database, or what the service has instead.
    public let timeZone: String?
    public let countryCode: String?
    public let isPINEnabled: Bool?
    public let activeUserAmount: Int?
    public let subscribedUserAmount: Int?
    public let activeIQAmount: Int?
    public let isSubscriptionValid: Bool?
    public let installationState: OpenText?
    /// How long entries are kept.
    public let storeEventsTTL: Span?
    public let owner: SiteUser.Account?
    private let calls: KSCalls?

    public var name: String { customerReference ?? id.rawValue }

    enum CodingKeys: String, CodingKey {
        case id, owner
        case siteUID = "site_uid"
        case customerReference = "customer_reference"
        case timeZone = "time_zone"
        case countryCode = "country_code"
        case isPINEnabled = "pin_enabled"
        case activeUserAmount = "active_user_amount"
        case subscribedUserAmount = "subscribed_user_amount"
        case activeIQAmount = "active_iq_amount"
        case isSubscriptionValid = "subscription_valid"
        case installationState = "installation_state"
        case storeEventsTTL = "store_events_ttl"
    }

    /// - Throws: `DecodingError` when there is no usable `id`; nothing else is required.
    public init(from decoder: any Decoder) throws {
        fields = try [String: ServiceValue](from: decoder)
        let members = try decoder.container(keyedBy: CodingKeys.self)
        id = try members.decode(SiteID.self, forKey: .id)
        siteUID = members.tolerantText(.siteUID)
        customerReference = members.tolerant(.customerReference)
        timeZone = members.tolerant(.timeZone)
        countryCode = members.tolerant(.countryCode)
        isPINEnabled = members.tolerant(.isPINEnabled)
        activeUserAmount = members.tolerant(.activeUserAmount)
        subscribedUserAmount = members.tolerant(.subscribedUserAmount)
        activeIQAmount = members.tolerant(.activeIQAmount)
        isSubscriptionValid = members.tolerant(.isSubscriptionValid)
        installationState = members.tolerantValue(.installationState)
        storeEventsTTL = members.tolerant(.storeEventsTTL)
        owner = members.tolerant(.owner)
        calls = KSCalls(reading: decoder)
    }
}

// What is there, as the API has it that the site was read from.
extension Site {
    private var api: KSConnectAPI? { calls.map { KSConnectAPI(http: $0.http) } }

    /// As ``KSConnectAPI/locks(in:)``.
    public var locks: KSList<Lock> { api?.locks(in: id) ?? .unread }

    /// As ``KSConnectAPI/entries(in:top:)``.
    public var entries: KSList<Entry> { api?.entries(in: id) ?? .unread }

    /// As ``KSConnectAPI/users(in:)``.
    public var users: KSList<SiteUser> { api?.users(in: id) ?? .unread }

    /// As ``KSConnectAPI/iqs(in:)``.
    public var iqs: KSList<IQ> { api?.iqs(in: id) ?? .unread }
}
