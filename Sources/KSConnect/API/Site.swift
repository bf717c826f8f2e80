/// A building or a part of one (`GET /v1.2/sites`).
public struct Site: Hashable, Sendable, Codable, Identifiable {
    public var id: SiteID
    public var siteUID: String?
    /// The site's name.
    public var customerReference: String?
    /// A name of the time zone database, or what the service has instead.
    public var timeZone: String?
    public var countryCode: String?
    public var isPINEnabled: Bool?
    public var activeUserAmount: Int?
    public var subscribedUserAmount: Int?
    public var activeIQAmount: Int?
    public var isSubscriptionValid: Bool?
    public var installationState: OpenText?
    /// How long entries are kept.
    public var storeEventsTTL: Span?
    public var owner: SiteUser.Account?

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
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try fields.decode(SiteID.self, forKey: .id)
        siteUID = fields.tolerantText(.siteUID)
        customerReference = fields.tolerant(.customerReference)
        timeZone = fields.tolerant(.timeZone)
        countryCode = fields.tolerant(.countryCode)
        isPINEnabled = fields.tolerant(.isPINEnabled)
        activeUserAmount = fields.tolerant(.activeUserAmount)
        subscribedUserAmount = fields.tolerant(.subscribedUserAmount)
        activeIQAmount = fields.tolerant(.activeIQAmount)
        isSubscriptionValid = fields.tolerant(.isSubscriptionValid)
        installationState = fields.tolerantValue(.installationState)
        storeEventsTTL = fields.tolerant(.storeEventsTTL)
        owner = fields.tolerant(.owner)
    }
}
