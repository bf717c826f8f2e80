import AuthModels
import FoundationEssentials

/// Reads the same two clocks as `Desktop`'s, which would bring a network stack into the build.
struct PlainClock: AuthClock {
    private let start = ContinuousClock.now

    func now() -> Moment {
        Moment(wall: Date(), sinceBoot: start.duration(to: .now), bootID: "benchmark")
    }

    func sleep(for duration: Duration) async throws { try await Task.sleep(for: duration) }
}

struct PlainRandom: RandomSource {
    func bytes(_ count: Int) throws(RandomnessUnavailable) -> [UInt8] {
        (0..<count).map { _ in .random(in: .min ... .max) }
    }
}
