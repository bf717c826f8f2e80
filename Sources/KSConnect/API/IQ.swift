/// A hub that links locks to the service (`GET /v1.2/sites/{site}/iqs`).
public struct IQ: KSObject, Identifiable {
    public let fields: [String: ServiceValue]
    public let id: IQID
    /// The hub's name.
    public let customerReference: String?
    public let isOnline: Bool?
    public let state: OpenText?
    public let isOTPEnabled: Bool?
    public let revision: String?
    public let timeZone: String?
    public let mac: String?

    enum CodingKeys: String, CodingKey {
        case id, state, revision, mac
        case customerReference = "customer_reference"
        case isOnline = "online"
        case isOTPEnabled = "otp_enabled"
        case timeZone = "time_zone"
    }

    /// - Throws: `DecodingError` when there is no usable `id`; nothing else is required.
    public init(from decoder: any Decoder) throws {
        fields = try [String: ServiceValue](from: decoder)
        let members = try decoder.container(keyedBy: CodingKeys.self)
        id = try members.decode(IQID.self, forKey: .id)
        customerReference = members.tolerant(.customerReference)
        isOnline = members.tolerant(.isOnline)
        state = members.tolerantValue(.state)
        isOTPEnabled = members.tolerant(.isOTPEnabled)
        revision = members.tolerantText(.revision)
        timeZone = members.tolerant(.timeZone)
        mac = members.tolerant(.mac)
    }
}
