import AuthModels
import FoundationEssentials
import Synchronization

/// A clock on which sleeping takes no time and moves it on.
final class ManualClock: AuthClock {
    private let content = Mutex<(elapsed: Duration, sleeps: [Duration])>((.zero, []))

    var sleeps: [Duration] { content.withLock { $0.sleeps } }

    func advance(by duration: Duration) { content.withLock { $0.elapsed += duration } }

    func now() -> Moment {
        let elapsed = content.withLock { $0.elapsed }
        return Moment(
            wall: Date(timeIntervalSince1970: 1_800_000_000 + elapsed.inSeconds),
            sinceBoot: elapsed, bootID: "boot")
    }

    func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        content.withLock { content in
            content.elapsed += duration
            content.sleeps.append(duration)
        }
    }
}

/// Gives the same byte for ever.
struct ConstantRandom: RandomSource {
    var byte: UInt8 = 255

    func bytes(_ count: Int) throws(RandomnessUnavailable) -> [UInt8] {
        [UInt8](repeating: byte, count: count)
    }
}
