/// Something that happened at a door (`GET /v1.1/sites/{site}/entries`).
public struct Entry: KSObject {
    public let fields: [String: ServiceValue]
    public let id: EntryID?
    public let eventCategory: OpenText?
    public let eventDetail: OpenText?
    public let time: Instant?
    /// The same on the wall of the site.
    public let localTime: LocalDateTime?
    public let lockID: LockID?
    /// The lock's name at that time.
    public let lockName: String?
    public let userID: UserID?
    public let userFirstName: String?
    public let userLastName: String?
    public let accessBy: OpenText?
    public let accessDetail: String?

    enum CodingKeys: String, CodingKey {
        case id
        case eventCategory = "event_category"
        case eventDetail = "event_detail"
        case time = "utc_date_time"
        case localTime = "local_date_time"
        case lockID = "lock_id"
        case lockName = "lock_customer_reference"
        case userID = "user_id"
        case userFirstName = "user_first_name"
        case userLastName = "user_last_name"
        case accessBy = "access_by"
        case accessDetail = "access_detail"
    }

    public init(from decoder: any Decoder) throws {
        fields = try [String: ServiceValue](from: decoder)
        let members = try decoder.container(keyedBy: CodingKeys.self)
        id = members.tolerantText(.id).flatMap { EntryID($0) }
        eventCategory = members.tolerantValue(.eventCategory)
        eventDetail = members.tolerantValue(.eventDetail)
        time = members.tolerant(.time)
        localTime = members.tolerant(.localTime)
        lockID = members.tolerant(.lockID)
        lockName = members.tolerant(.lockName)
        userID = members.tolerant(.userID)
        userFirstName = members.tolerant(.userFirstName)
        userLastName = members.tolerant(.userLastName)
        accessBy = members.tolerantValue(.accessBy)
        accessDetail = members.tolerantText(.accessDetail)
    }
}
