import FoundationEssentials
import HTTPTypes
import OpenIDConnect
import Testing

@Suite("Retry-After is believed within limits")
struct RetryAfterTests {
    func wait(_ text: String, date: String? = nil, now: Date? = Samples.now) -> Duration? {
        var fields: HTTPFields = [.retryAfter: text]
        if let date { fields[.date] = date }
        return RetryAfter.duration(
            in: HTTPResponse(status: .serviceUnavailable, headerFields: fields), now: now)
    }

    @Test("Case 36: seconds, negative, huge and senseless")
    func seconds() {
        #expect(wait("120") == .seconds(120))
        #expect(wait("0") == .zero)
        #expect(wait("-5") == .zero)
        #expect(wait("1000000000") == .seconds(3600))
        #expect(wait("99999999999999999999999") == .seconds(3600))
        #expect(wait("soon") == nil)
        #expect(wait("1.5") == nil)
        #expect(wait("") == nil)
        #expect(RetryAfter.duration(in: HTTPResponse(status: .ok)) == nil)
    }

    @Test(
        "Case 36: the three forms of a date",
        arguments: [
            "Fri, 15 Jan 2027 08:01:30 GMT", "Friday, 15-Jan-27 08:01:30 GMT",
            "Fri Jan 15 08:01:30 2027",
        ])
    func dates(text: String) {
        // 1,800,000,000 is 08:00:00 on that day.
        #expect(wait(text) == .seconds(90))
        #expect(wait(text, date: "Fri, 15 Jan 2027 08:01:00 GMT") == .seconds(30))
        #expect(wait(text, now: nil) == nil)
    }

    @Test("Case 36: a date in the past is now, one far away an hour")
    func farDates() {
        #expect(wait("Sun, 06 Nov 1994 08:49:37 GMT") == .zero)
        #expect(wait("Fri, 31 Dec 9999 23:59:59 GMT") == .seconds(3600))
        #expect(wait("Fri, 99 Dec 2027 23:59:59 GMT") == nil)
    }
}
