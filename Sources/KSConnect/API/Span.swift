/// A length of time as the service writes it: `[-][days.]hh:mm:ss[.fffffff]`, so `90.00:00:00` is
/// ninety days.
public struct Span: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Exactly as received.
    public let text: String
    public let duration: Duration

    /// - Returns: nil for a text of another form.
    public init?(_ text: String) {
        guard text.utf8.count <= 40, let duration = Self.duration(text) else { return nil }
        self.text = text
        self.duration = duration
    }

    public var description: String { text }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a length of time")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    public static func == (left: Self, right: Self) -> Bool { left.duration == right.duration }

    public func hash(into hasher: inout Hasher) { hasher.combine(duration) }

    private static func duration(_ text: String) -> Duration? {
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let parts = text.dropFirst(isNegative ? 1 : 0)
            .split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        let front = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        let back = parts[2].split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(front.count), (1...2).contains(back.count),
            let days = front.count == 2 ? number(front[0], digits: 1...8) : 0,
            let hours = number(front[front.count - 1], digits: 1...2), hours < 24,
            let minutes = number(parts[1], digits: 2...2), minutes < 60,
            let seconds = number(back[0], digits: 2...2), seconds < 60,
            let nanoseconds = back.count == 2 ? nanoseconds(back[1]) : 0
        else { return nil }
        let whole = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        let duration = Duration.seconds(whole) + .nanoseconds(nanoseconds)
        return isNegative ? .zero - duration : duration
    }

    private static func number(_ text: Substring, digits: ClosedRange<Int>) -> Int64? {
        guard digits.contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int64(text)
    }

    private static func nanoseconds(_ text: Substring) -> Int64? {
        guard var value = number(text, digits: 1...9) else { return nil }
        for _ in text.utf8.count..<9 { value *= 10 }
        return value
    }
}
