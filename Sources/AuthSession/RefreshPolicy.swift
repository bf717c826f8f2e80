/// The numbers behind the refresh rules of docs/refresh.md.
public struct RefreshPolicy: Hashable, Sendable {
    /// How long after a request whose answer was lost the same refresh token may be sent again: long
    /// enough for the first request to arrive or die (one that arrives late looks like reuse), well
    /// inside the 5 s of grace that rotating providers usually give.
    public var settling: Duration = .seconds(1)
    /// Requests per attempt: the first and one replay.
    public var sendsMax = 2
    /// Total time of one request to the token endpoint.
    public var requestDeadline: Duration = .seconds(20)
    /// How long a caller who needs a token waits for another process's refresh. Above two requests
    /// and the settling time, so that a slow provider is not mistaken for a stuck holder.
    public var lockWait: Duration = .seconds(45)
    /// The longest `Retry-After` or settling time that is slept through under the lock; a longer one
    /// is reported to the caller instead.
    public var inlineWaitMax: Duration = .seconds(3)
    /// Waits between attempts to save what the provider has given, before callers are told.
    public var commitBackoff: [Duration] = [
        .milliseconds(50), .milliseconds(200), .milliseconds(800), .seconds(2),
    ]
    /// Wait between attempts to save after that, for as long as the process lives.
    public var commitRetryInterval: Duration = .seconds(5)
    /// After an early refresh has failed, a token that is still valid is served this long without
    /// another try.
    public var earlyRetryInterval: Duration = .seconds(30)
    /// After the provider has refused a refresh (or given a token too short-lived for a caller),
    /// the same answer is given this long without another request.
    public var refusalInterval: Duration = .seconds(1)
    /// A token is refreshed early from this long before its end…
    public var leadMax: Duration = .seconds(60)
    /// …but never before this part of its lifetime is left.
    public var leadFractionMax = 0.2

    public init() {}

    /// How long before its end a token is refreshed early.
    ///
    /// - Parameter jitter: 0…1, so that a fleet that signed in together does not refresh together;
    ///   the lead lies between half and the whole of its bound.
    public func lead(lifetime: Duration?, jitter: Double) -> Duration {
        guard let lifetime else { return .zero }
        let bound = min(leadMax, lifetime * leadFractionMax)
        return bound * (0.5 + 0.5 * min(max(jitter, 0), 1))
    }
}
