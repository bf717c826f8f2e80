/// Something that happened at a door (`GET /v1.1/sites/{site}/entries`).
public struct Entry: Hashable, Sendable, Codable {
    public var id: EntryID?
    public var eventCategory: OpenText?
    public var eventDetail: OpenText?
    public var time: Instant?
    /// The same on the wall of the site.
    public var localTime: LocalDateTime?
    public var lockID: LockID?
    /// The lock's name at that time.
    public var lockName: String?
    public var userID: UserID?
    public var userFirstName: String?
    public var userLastName: String?
    public var accessBy: OpenText?
    public var accessDetail: String?

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
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = fields.tolerantText(.id).flatMap { EntryID($0) }
        eventCategory = fields.tolerantValue(.eventCategory)
        eventDetail = fields.tolerantValue(.eventDetail)
        time = fields.tolerant(.time)
        localTime = fields.tolerant(.localTime)
        lockID = fields.tolerant(.lockID)
        lockName = fields.tolerant(.lockName)
        userID = fields.tolerant(.userID)
        userFirstName = fields.tolerant(.userFirstName)
        userLastName = fields.tolerant(.userLastName)
        accessBy = fields.tolerantValue(.accessBy)
        accessDetail = fields.tolerantText(.accessDetail)
    }
}
