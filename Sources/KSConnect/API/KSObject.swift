/// An object of the service, with all its members as they came.
///
/// Members that have a name in Swift are read once, when it is decoded. Encoding gives back what was
/// received, members and values that nobody here knows included.
public protocol KSObject: Codable, Hashable, Sendable {
    /// Every member as received, by the service's name for it.
    var fields: [String: ServiceValue] { get }
}

extension KSObject {
    public func encode(to encoder: any Encoder) throws { try fields.encode(to: encoder) }

    public static func == (left: Self, right: Self) -> Bool { left.fields == right.fields }

    public func hash(into hasher: inout Hasher) { hasher.combine(fields) }
}

/// A JSON value as the service sent it.
public enum ServiceValue: Hashable, Sendable, Codable {
    case null
    case bool(Bool)
    case integer(Int64)
    /// A number with a fraction, or one that is out of the range of integers.
    case number(Double)
    case string(String)
    case array([ServiceValue])
    case object([String: ServiceValue])

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        // Most members are texts; a wrong guess costs an error that is thrown away.
        if let text = try? container.decode(String.self) {
            self = .string(text)
        } else if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let values = try? container.decode([ServiceValue].self) {
            self = .array(values)
        } else {
            self = .object(try container.decode([String: ServiceValue].self))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let text): try container.encode(text)
        case .array(let values): try container.encode(values)
        case .object(let members): try container.encode(members)
        }
    }
}
