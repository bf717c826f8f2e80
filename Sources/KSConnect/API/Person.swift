/// Who is signed in, as KS Connect knows them (`GET /v1.2/me`).
public struct Person: Hashable, Sendable, Codable {
    public var id: UserID?
    public var firstName: String?
    public var lastName: String?
    public var phone: String?
    public var email: String?
    public var language: String?
    public var tagNumber: String?
    public var imageURL: String?

    enum CodingKeys: String, CodingKey {
        case id, phone, email, language
        case firstName = "first_name"
        case lastName = "last_name"
        case tagNumber = "tag_number"
        case imageURL = "image_url"
    }

    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = fields.tolerant(.id)
        firstName = fields.tolerant(.firstName)
        lastName = fields.tolerant(.lastName)
        phone = fields.tolerantText(.phone)
        email = fields.tolerant(.email)
        language = fields.tolerant(.language)
        tagNumber = fields.tolerantText(.tagNumber)
        imageURL = fields.tolerant(.imageURL)
    }
}
