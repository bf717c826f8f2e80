/// A person's place in a site (`GET /v1.2/sites/{site}/users`).
public struct SiteUser: Hashable, Sendable, Codable {
    public var id: UserID?
    public var user: Account?
    public var roles: [OpenText]?
    public var alias: String?
    public var isBlocked: Bool?
    public var subscriptionState: OpenText?
    public var expiresAt: Instant?

    /// The person, whichever site.
    public struct Account: Hashable, Sendable, Codable {
        public var id: UserID?
        public var email: String?
        public var firstName: String?
        public var lastName: String?

        enum CodingKeys: String, CodingKey {
            case id, email
            case firstName = "first_name"
            case lastName = "last_name"
        }

        public init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            id = fields.tolerant(.id)
            email = fields.tolerant(.email)
            firstName = fields.tolerant(.firstName)
            lastName = fields.tolerant(.lastName)
        }
    }

    enum CodingKeys: String, CodingKey {
        case id, user, roles, alias
        case isBlocked = "blocked"
        case subscriptionState = "subscription_state"
        case expiresAt = "expires_at"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = fields.tolerant(.id)
        user = fields.tolerant(.user)
        roles = fields.tolerant(.roles)
        alias = fields.tolerant(.alias)
        isBlocked = fields.tolerant(.isBlocked)
        subscriptionState = fields.tolerantValue(.subscriptionState)
        expiresAt = fields.tolerant(.expiresAt)
    }
}
