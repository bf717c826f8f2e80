internal import AuthModels
public import FoundationEssentials

/// A point in time as the service writes it: RFC 3339 with 0 to 7 fraction digits.
public struct Instant: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Exactly as received.
    public let text: String
    /// To the microsecond.
    public let date: Date

    /// - Returns: nil for a text of another form, or a date that no calendar has.
    public init?(_ text: String) {
        guard text.utf8.count <= 40, let seconds = Self.seconds(text) else { return nil }
        self.text = text
        self.date = Date(timeIntervalSince1970: seconds)
    }

    public var description: String { text }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "not a date with a time and an offset")
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    public static func == (left: Self, right: Self) -> Bool { left.date == right.date }

    public func hash(into hasher: inout Hasher) { hasher.combine(date) }

    /// Seconds since 1970 of `YYYY-MM-DDTHH:MM:SS[.fffffff](Z|±HH:MM)`.
    private static func seconds(_ text: String) -> Double? {
        guard let local = LocalParts(text.utf8) else { return nil }
        guard let offset = offset(local.rest) else { return nil }
        return Double(local.seconds - offset) + local.fraction
    }

    private static func offset(_ text: Substring.UTF8View) -> Int64? {
        let bytes = Array(text)
        if bytes == [UInt8(ascii: "Z")] || bytes == [UInt8(ascii: "z")] { return 0 }
        guard bytes.count == 6, bytes[3] == UInt8(ascii: ":"),
            let hours = LocalParts.number(bytes[1...2]), hours < 24,
            let minutes = LocalParts.number(bytes[4...5]), minutes < 60
        else { return nil }
        switch bytes[0] {
        case UInt8(ascii: "+"): return hours * 3600 + minutes * 60
        case UInt8(ascii: "-"): return -(hours * 3600 + minutes * 60)
        default: return nil
        }
    }
}

/// A date and time on the wall of the site, without an offset: it names no point in time, so it is
/// text and compares as text.
public struct LocalDateTime: OpenValue {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// The date and time in front of an offset.
private struct LocalParts {
    /// Since 1970 as if the time were universal.
    let seconds: Int64
    /// 0 up to 1.
    let fraction: Double
    let rest: Substring.UTF8View

    init?(_ text: String.UTF8View) {
        let bytes = Array(text.prefix(19))
        guard bytes.count == 19, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T") || bytes[10] == UInt8(ascii: "t"),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let year = Self.number(bytes[0...3]), let month = Self.number(bytes[5...6]),
            let day = Self.number(bytes[8...9]), let hour = Self.number(bytes[11...12]),
            let minute = Self.number(bytes[14...15]), let second = Self.number(bytes[17...18]),
            (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        seconds =
            Self.daysSince1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
        var rest = text.dropFirst(19)
        var fraction = 0.0
        if rest.first == UInt8(ascii: ".") {
            let digits = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard (1...9).contains(digits.count), let number = Self.number(digits) else {
                return nil
            }
            fraction = Double(number)
            for _ in 0..<digits.count { fraction /= 10 }
            rest = rest.dropFirst(1 + digits.count)
        }
        self.fraction = fraction
        self.rest = rest
    }

    static func number(_ digits: some Collection<UInt8>) -> Int64? {
        var value: Int64 = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int64(digit - 0x30)
        }
        return value
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Years are counted from March, so that the leap day ends a year.
    private static func daysSince1970(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
