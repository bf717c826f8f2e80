public import AuthModels
internal import FoundationEssentials
internal import Glibc

/// The machine's own clocks.
public struct SystemClock: AuthClock {
    public init() {}

    public func now() -> Moment {
        let wall = Self.read(CLOCK_REALTIME)
        let boot = Self.read(CLOCK_BOOTTIME)
        return Moment(
            wall: Date(timeIntervalSince1970: wall.inSeconds), sinceBoot: boot,
            bootID: Self.bootID)
    }

    public func sleep(for duration: Duration) async throws {
        try await Task.sleep(for: duration)
    }

    private static func read(_ clock: clockid_t) -> Duration {
        var time = timespec()
        // It cannot fail for these two clocks, which every kernel since 2.6.39 has.
        clock_gettime(clock, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }

    /// Read once, and only when a time is asked for. Without it no two processes share a boot, so
    /// that times of another process are judged by the wall clock.
    private static let bootID: String = {
        let path = "/proc/sys/kernel/random/boot_id"
        let text = SmallFile.read(path, bytesMax: 64).map { String(decoding: $0, as: UTF8.self) }
        let id = text?.filter { !$0.isWhitespace } ?? ""
        return id.isEmpty ? "unknown-\(UUID())" : id
    }()
}
