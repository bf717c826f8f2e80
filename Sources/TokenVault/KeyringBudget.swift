internal import Synchronization

/// How long a Secret Service may keep a command waiting, over all its calls: a command that asks
/// four times must not wait four times as long. A healthy service takes milliseconds and never
/// notices; one that has used up its time is left alone until some of it has passed.
final class KeyringBudget: Sendable {
    /// Of the 10 s within which a command answers.
    static let limit: Duration = .seconds(8)
    /// After this long a call is forgotten.
    static let window: Duration = .seconds(20)

    private struct Call {
        var took: Duration
        var end: ContinuousClock.Instant
    }

    private let calls = Mutex<[Call]>([])

    func left(at now: ContinuousClock.Instant) -> Duration {
        calls.withLock { calls in
            calls.removeAll { $0.end + Self.window < now }
            return calls.reduce(Self.limit) { $0 - $1.took }
        }
    }

    func spend(from start: ContinuousClock.Instant, to end: ContinuousClock.Instant) {
        calls.withLock { $0.append(Call(took: end - start, end: end)) }
    }
}
