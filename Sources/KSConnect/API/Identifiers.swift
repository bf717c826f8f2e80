public import AuthModels

/// An identifier of one kind of thing, as the service gave it; fits one segment of a URL's path.
public protocol KSIdentifier: ExactString, Codable {
    /// - Returns: nil unless 1 to 128 bytes of `[A-Za-z0-9._~-]`, and neither `.` nor `..`.
    init?(_ rawValue: String)
}

extension KSIdentifier {
    static func isSegment(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
                    || (0x61...0x7A).contains(byte) || "._~-".utf8.contains(byte)
            }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "an identifier that fits no URL")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// Names a site.
public struct SiteID: KSIdentifier {
    public let rawValue: String
    public init?(_ rawValue: String) {
        guard Self.isSegment(rawValue) else { return nil }
        self.rawValue = rawValue
    }
}

/// Names a lock within its site.
public struct LockID: KSIdentifier {
    public let rawValue: String
    public init?(_ rawValue: String) {
        guard Self.isSegment(rawValue) else { return nil }
        self.rawValue = rawValue
    }
}

/// Names a hub.
public struct IQID: KSIdentifier {
    public let rawValue: String
    public init?(_ rawValue: String) {
        guard Self.isSegment(rawValue) else { return nil }
        self.rawValue = rawValue
    }
}

/// Names a person.
public struct UserID: KSIdentifier {
    public let rawValue: String
    public init?(_ rawValue: String) {
        guard Self.isSegment(rawValue) else { return nil }
        self.rawValue = rawValue
    }
}

/// Names an entry.
public struct EntryID: KSIdentifier {
    public let rawValue: String
    public init?(_ rawValue: String) {
        guard Self.isSegment(rawValue) else { return nil }
        self.rawValue = rawValue
    }
}
