internal import HTTPTypes
internal import Synchronization

/// When an idempotent call is repeated, and how long is waited before.
public struct RetryPolicy: Hashable, Sendable {
    /// Requests per call; the one retry after a 401 is not counted, nor a repeat with the nonce
    /// that an API wants in a proof.
    public var attemptsMax = 3
    /// The first wait lies between half of this and the whole; each later one is twice as long.
    public var backoffFirst: Duration = .milliseconds(200)
    public var backoffMax: Duration = .seconds(5)
    /// The longest `Retry-After` that is waited for; with a longer one the answer is handed over.
    public var retryAfterMax: Duration = .seconds(10)

    /// Never repeats anything, but once after a 401.
    public static let never: RetryPolicy = {
        var policy = RetryPolicy()
        policy.attemptsMax = 1
        return policy
    }()

    public init() {}

    /// What a gateway says whose server did not answer, or not now (RFC 9110 §15.6.3–15.6.5).
    static func isWorthRetry(_ status: HTTPResponse.Status) -> Bool {
        [502, 503, 504].contains(status.code)
    }

    /// The wait before the attempt after `attempt` (from 1).
    ///
    /// - Parameter jitter: 0…1, so that clients that failed together do not come back together.
    func backoff(after attempt: Int, jitter: Double) -> Duration {
        let doublings = min(max(attempt - 1, 0), 20)
        let bound = min(backoffFirst * (1 << doublings), backoffMax)
        return bound * (0.5 + 0.5 * min(max(jitter, 0), 1))
    }
}

/// How many retries a client may spend over all its calls, so that an outage is not answered with a
/// multiple of the usual load.
///
/// A retry costs one; each call that was answered at once gives a tenth back, up to the capacity.
public final class RetryBudget: Sendable {
    private static let tenthsPerRetry = 10
    private let capacityTenths: Int
    private let tenths: Mutex<Int>

    /// - Parameter capacity: retries in a row before the client has to earn more.
    public init(capacity: Int = 10) {
        capacityTenths = max(capacity, 0) * Self.tenthsPerRetry
        tenths = Mutex(capacityTenths)
    }

    /// Whether one more retry is allowed; takes it.
    func spend() -> Bool {
        tenths.withLock { tenths in
            guard tenths >= Self.tenthsPerRetry else { return false }
            tenths -= Self.tenthsPerRetry
            return true
        }
    }

    func earn() {
        tenths.withLock { $0 = min($0 + 1, capacityTenths) }
    }
}
