/// A door's lock (`GET /v1.2/sites/{site}/locks`).
public struct Lock: Hashable, Sendable, Codable, Identifiable {
    public var id: LockID
    /// The lock's name.
    public var customerReference: String?
    public var lockedState: LockedState?
    public var lockType: OpenText?
    public var isOnline: Bool?
    public var iqLinkState: OpenText?
    public var batteryLevel: OpenText?
    public var hasLeftOpenAlarm: Bool?
    public var hasIntrusionAlarm: Bool?
    public var isInPrivacyMode: Bool?
    public var communicationType: OpenText?
    public var mac: String?
    public var iq: LinkedIQ?

    public var name: String { customerReference ?? id.rawValue }
    /// Whether an unlock asks for a one-time password; false where the service does not say.
    public var asksForOneTimePassword: Bool { iq?.isOTPEnabled ?? false }

    /// The hub that the lock is linked to.
    public struct LinkedIQ: Hashable, Sendable, Codable {
        public var id: IQID?
        public var isOnline: Bool?
        public var isOTPEnabled: Bool?

        enum CodingKeys: String, CodingKey {
            case id
            case isOnline = "is_online"
            case isOTPEnabled = "otp_enabled"
        }

        public init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            id = fields.tolerant(.id)
            isOnline = fields.tolerant(.isOnline)
            isOTPEnabled = fields.tolerant(.isOTPEnabled)
        }
    }

    enum CodingKeys: String, CodingKey {
        case id, mac, iq
        case customerReference = "customer_reference"
        case lockedState = "locked_state"
        case lockType = "lock_type"
        case isOnline = "online"
        case iqLinkState = "iq_link_state"
        case batteryLevel = "battery_level"
        case hasLeftOpenAlarm = "left_open_alarm"
        case hasIntrusionAlarm = "intrusion_alarm"
        case isInPrivacyMode = "privacy_mode"
        case communicationType = "communication_type"
    }

    /// - Throws: `DecodingError` when there is no usable `id`; nothing else is required.
    public init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try fields.decode(LockID.self, forKey: .id)
        customerReference = fields.tolerant(.customerReference)
        lockedState = fields.tolerantValue(.lockedState)
        lockType = fields.tolerantValue(.lockType)
        isOnline = fields.tolerant(.isOnline)
        iqLinkState = fields.tolerantValue(.iqLinkState)
        batteryLevel = fields.tolerantValue(.batteryLevel)
        hasLeftOpenAlarm = fields.tolerant(.hasLeftOpenAlarm)
        hasIntrusionAlarm = fields.tolerant(.hasIntrusionAlarm)
        isInPrivacyMode = fields.tolerant(.isInPrivacyMode)
        communicationType = fields.tolerantValue(.communicationType)
        mac = fields.tolerant(.mac)
        iq = fields.tolerant(.iq)
    }
}
