/// A person's place in a site (`GET /v1.2/sites/{site}/users`).
public struct SiteUser: KSObject {
    public let fields: [String: ServiceValue]
    public let id: UserID?
    public let user: Account?
    public let roles: [OpenText]?
    public let alias: String?
    public let isBlocked: Bool?
    public let subscriptionState: OpenText?
    public let expiresAt: Instant?

    /// The person, whichever site.
    public struct Account: KSObject {
        public let fields: [String: ServiceValue]
        public let id: UserID?
        public let email: String?
        public let firstName: String?
        public let lastName: String?

        enum CodingKeys: String, CodingKey {
            case id, email
            case firstName = "first_name"
            case lastName = "last_name"
        }

        public init(from decoder: any Decoder) throws {
            fields = try [String: ServiceValue](from: decoder)
            let members = try decoder.container(keyedBy: CodingKeys.self)
            id = members.tolerant(.id)
            email = members.tolerant(.email)
            firstName = members.tolerant(.firstName)
            lastName = members.tolerant(.lastName)
        }
    }

    enum CodingKeys: String, CodingKey {
        case id, user, roles, alias
        case isBlocked = "blocked"
        case subscriptionState = "subscription_state"
        case expiresAt = "expires_at"
    }

    public init(from decoder: any Decoder) throws {
        fields = try [String: ServiceValue](from: decoder)
        let members = try decoder.container(keyedBy: CodingKeys.self)
        id = members.tolerant(.id)
        user = members.tolerant(.user)
        roles = members.tolerant(.roles)
        alias = members.tolerant(.alias)
        isBlocked = members.tolerant(.isBlocked)
        subscriptionState = members.tolerantValue(.subscriptionState)
        expiresAt = members.tolerant(.expiresAt)
    }
}
