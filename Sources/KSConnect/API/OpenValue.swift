public import AuthModels

/// A value of a list that the service may lengthen at any time: known values have names here,
/// others survive as they came.
public protocol OpenValue: ExactString, Codable {
    init(rawValue: String)
}

extension OpenValue {
    public init(from decoder: any Decoder) throws {
        self.init(rawValue: try decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// What a lock's bolt is known to do.
public struct LockedState: OpenValue {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    public static let none = LockedState(rawValue: "none")
    public static let locked = LockedState(rawValue: "locked")
    /// Open for all for a while.
    public static let officeMode = LockedState(rawValue: "office_mode")
    public static let uncertain = LockedState(rawValue: "uncertain")
    public static let unlocked = LockedState(rawValue: "unlocked")
}

/// A text of a list whose values are not known (`lock_type`, `battery_level`, `event_category`…).
public struct OpenText: OpenValue {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}
