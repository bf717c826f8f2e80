public import FoundationEssentials
public import HTTPTypes

/// Reads `Retry-After` (RFC 9110 §10.2.3).
public enum RetryAfter {
    /// The longest wait that is honoured.
    public static let durationMax: Duration = .seconds(3600)

    /// How long to wait: negative counts as zero, anything longer than ``durationMax`` is cut to it.
    ///
    /// - Parameter now: what an HTTP date is relative to where the answer has no `Date` of its own.
    /// - Returns: nil without the field, or with one that is neither seconds nor a date.
    public static func duration(in response: HTTPResponse, now: Date? = nil) -> Duration? {
        guard let text = response.headerFields[.retryAfter] else { return nil }
        if let seconds = seconds(text) { return min(max(seconds, .zero), durationMax) }
        guard let date = HTTPDate.seconds(text) else { return nil }
        let sent = response.headerFields[.date].flatMap(HTTPDate.seconds)
        guard
            let reference = sent
                ?? now.flatMap({ Int64(exactly: $0.timeIntervalSince1970.rounded()) })
        else { return nil }
        return min(max(.seconds(date - reference), .zero), durationMax)
    }

    private static func seconds(_ text: String) -> Duration? {
        let isNegative = text.utf8.first == UInt8(ascii: "-")
        let digits = isNegative ? text.utf8.dropFirst() : text.utf8[...]
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        if isNegative { return .zero }
        return Int64(text).map { .seconds(min($0, 1_000_000)) } ?? durationMax
    }
}

/// The three forms of an HTTP date (RFC 9110 §5.6.7).
public enum HTTPDate {
    /// Seconds since 1970, or nil when the text is no date.
    public static func seconds(_ text: String) -> Int64? {
        guard text.utf8.count <= 40 else { return nil }
        let words = text.split { " ,-".contains($0) }.map(String.init)
        // `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT`: weekday, day, month,
        // year, time, zone. `Sun Nov  6 08:49:37 1994`: weekday, month, day, time, year.
        if words.count == 6, words[5] == "GMT" {
            return seconds(year: words[3], month: words[2], day: words[1], time: words[4])
        }
        if words.count == 5 {
            return seconds(year: words[4], month: words[1], day: words[2], time: words[3])
        }
        return nil
    }

    private static func seconds(
        year: String, month: String, day: String, time: String
    ) -> Int64? {
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let clock = time.split(separator: ":").compactMap { number(String($0), digits: 2...2) }
        guard let monthIndex = months.firstIndex(of: month), clock.count == 3,
            var year = number(year, digits: 2...4), let day = number(day, digits: 1...2),
            (1...31).contains(day), clock[0] < 24, clock[1] < 60, clock[2] <= 60
        else { return nil }
        if year < 70 { year += 2000 } else if year < 100 { year += 1900 }
        return days(year: year, month: Int64(monthIndex) + 1, day: day) * 86_400
            + clock[0] * 3600 + clock[1] * 60 + clock[2]
    }

    private static func number(_ text: String, digits: ClosedRange<Int>) -> Int64? {
        guard digits.contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int64(text)
    }

    /// Days since 1970 in the Gregorian calendar, counting years from March so that the leap day
    /// ends a year.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
    }
}
