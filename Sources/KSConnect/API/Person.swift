/// Who is signed in, as KS Connect knows them (`GET /v1.2/me`).
public struct Person: KSObject {
    public let fields: [String: ServiceValue]
    public let id: UserID?
    public let firstName: String?
    public let lastName: String?
    public let phone: String?
    public let email: String?
    public let language: String?
    public let tagNumber: String?
    public let imageURL: String?

    enum CodingKeys: String, CodingKey {
        case id, phone, email, language
        case firstName = "first_name"
        case lastName = "last_name"
        case tagNumber = "tag_number"
        case imageURL = "image_url"
    }

    public init(from decoder: any Decoder) throws {
        fields = try [String: ServiceValue](from: decoder)
        let members = try decoder.container(keyedBy: CodingKeys.self)
        id = members.tolerant(.id)
        firstName = members.tolerant(.firstName)
        lastName = members.tolerant(.lastName)
        phone = members.tolerantText(.phone)
        email = members.tolerant(.email)
        language = members.tolerant(.language)
        tagNumber = members.tolerantText(.tagNumber)
        imageURL = members.tolerant(.imageURL)
    }
}
