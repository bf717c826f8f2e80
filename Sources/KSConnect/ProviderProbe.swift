public import AuthModels
public import FoundationEssentials
internal import HTTPTypes
internal import OpenIDConnect

/// Whether a provider can be found, and what time it has; for a front end's self-test.
public struct ProviderProbe: Sendable {
    /// Nil when its metadata was found and accepted.
    public let fault: AuthError?
    /// The `Date` of its answer (RFC 9110 §6.6.1).
    public let date: Date?

    /// Does discovery (OpenID Connect Discovery §4, RFC 8414 §3) once, without following anything.
    public static func run(
        _ issuer: Issuer, over transport: any HTTPTransport, deadline: Duration = .seconds(10)
    ) async -> ProviderProbe {
        var last = ProviderProbe(fault: .discoveryInvalid("there is no address to ask"), date: nil)
        for var exchange in Discovery.requests(for: issuer) {
            exchange.deadline = deadline
            let answer: HTTPAnswer
            do throws(TransportError) {
                answer = try await transport.send(exchange)
            } catch {
                return ProviderProbe(fault: AuthError(reading: error), date: nil)
            }
            let date = answer.response.headerFields[.date].flatMap(Self.date)
            do throws(AuthError) {
                _ = try Discovery.judge(answer, for: issuer)
                return ProviderProbe(fault: nil, date: date)
            } catch {
                last = ProviderProbe(fault: error, date: date)
            }
            guard Discovery.isNotFound(answer) else { return last }
        }
        return last
    }

    /// How many seconds a clock is ahead of the provider's, the way of the answer included; nil
    /// where the provider told no time.
    public func clockSkew(at now: Date) -> Double? {
        date.map { now.timeIntervalSince($0) }
    }

    private static func date(_ text: String) -> Date? {
        HTTPDate.seconds(text).map { Date(timeIntervalSince1970: Double($0)) }
    }
}
