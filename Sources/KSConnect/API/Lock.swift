/// A door's lock (`GET /v1.2/sites/{site}/locks`).
public struct Lock: KSObject, Identifiable {
    public let fields: [String: ServiceValue]
    public let id: LockID
    /// The lock's name.
    public let customerReference: String?
    public let lockedState: LockedState?
    public let lockType: OpenText?
    public let isOnline: Bool?
    public let iqLinkState: OpenText?
    public let batteryLevel: OpenText?
    public let hasLeftOpenAlarm: Bool?
    public let hasIntrusionAlarm: Bool?
    public let isInPrivacyMode: Bool?
    public let communicationType: OpenText?
    public let mac: String?
    public let iq: LinkedIQ?
    private let calls: KSCalls?

    public var name: String { customerReference ?? id.rawValue }
    /// Whether an unlock asks for a one-time password; false where the service does not say.
    public var asksForOneTimePassword: Bool { iq?.isOTPEnabled ?? false }

    /// The hub that the lock is linked to.
    public struct LinkedIQ: KSObject {
        public let fields: [String: ServiceValue]
        public let id: IQID?
        public let isOnline: Bool?
        public let isOTPEnabled: Bool?

        enum CodingKeys: String, CodingKey {
            case id
            case isOnline = "is_online"
            case isOTPEnabled = "otp_enabled"
        }

        public init(from decoder: any Decoder) throws {
            fields = try [String: ServiceValue](from: decoder)
            let members = try decoder.container(keyedBy: CodingKeys.self)
            id = members.tolerant(.id)
            isOnline = members.tolerant(.isOnline)
            isOTPEnabled = members.tolerant(.isOTPEnabled)
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
        fields = try [String: ServiceValue](from: decoder)
        let members = try decoder.container(keyedBy: CodingKeys.self)
        id = try members.decode(LockID.self, forKey: .id)
        customerReference = members.tolerant(.customerReference)
        lockedState = members.tolerantValue(.lockedState)
        lockType = members.tolerantValue(.lockType)
        isOnline = members.tolerant(.isOnline)
        iqLinkState = members.tolerantValue(.iqLinkState)
        batteryLevel = members.tolerantValue(.batteryLevel)
        hasLeftOpenAlarm = members.tolerant(.hasLeftOpenAlarm)
        hasIntrusionAlarm = members.tolerant(.hasIntrusionAlarm)
        isInPrivacyMode = members.tolerant(.isInPrivacyMode)
        communicationType = members.tolerantValue(.communicationType)
        mac = members.tolerant(.mac)
        iq = members.tolerant(.iq)
        calls = KSCalls(reading: decoder)
    }

    /// As ``KSConnectAPI/unlock(_:in:otp:)``, with its errors.
    public func unlock(otp: OneTimePassword? = nil) async throws(KSConnectError) {
        guard let calls, let site = calls.site else { throw .unread }
        try await KSConnectAPI(http: calls.http).unlock(id, in: site, otp: otp)
    }
}
