/// A hub that links locks to the service (`GET /v1.2/sites/{site}/iqs`).
public struct IQ: Hashable, Sendable, Codable, Identifiable {
    public var id: IQID
    /// The hub's name.
    public var customerReference: String?
    public var isOnline: Bool?
    public var state: OpenText?
    public var isOTPEnabled: Bool?
    public var revision: String?
    public var timeZone: String?
    public var mac: String?

    enum CodingKeys: String, CodingKey {
        case id, state, revision, mac
        case customerReference = "customer_reference"
        case isOnline = "online"
        case isOTPEnabled = "otp_enabled"
        case timeZone = "time_zone"
    }

    /// - Throws: `DecodingError` when there is no usable `id`; nothing else is required.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try fields.decode(IQID.self, forKey: .id)
        customerReference = fields.tolerant(.customerReference)
        isOnline = fields.tolerant(.isOnline)
        state = fields.tolerantValue(.state)
        isOTPEnabled = fields.tolerant(.isOTPEnabled)
        revision = fields.tolerantText(.revision)
        timeZone = fields.tolerant(.timeZone)
        mac = fields.tolerant(.mac)
    }
}
