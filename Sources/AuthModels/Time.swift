public import struct FoundationEssentials.Date

/// One reading of both clocks: the wall clock to store and show, and the time since boot, suspend
/// included, to measure with.
public struct Moment: Hashable, Sendable {
    public var wall: Date
    /// Time since the machine started, suspend included (`CLOCK_BOOTTIME`).
    public var sinceBoot: Duration
    /// Which start of the machine `sinceBoot` counts from (`/proc/sys/kernel/random/boot_id`).
    public var bootID: String

    public init(wall: Date, sinceBoot: Duration, bootID: String) {
        self.wall = wall
        self.sinceBoot = sinceBoot
        self.bootID = bootID
    }

    /// Time passed since an earlier reading: by the boot clock within one boot, so that neither a
    /// jump of the wall clock nor suspend deceives it; by the wall clock across boots.
    ///
    /// - Returns: nil when the clocks cannot tell (the wall clock went back across a boot).
    public func elapsed(since earlier: Moment) -> Duration? {
        if bootID.isExactly(earlier.bootID) {
            return sinceBoot >= earlier.sinceBoot ? sinceBoot - earlier.sinceBoot : nil
        }
        let seconds = wall.timeIntervalSince(earlier.wall)
        guard seconds >= 0, seconds < 1e9 else { return nil }
        return .milliseconds(Int64(seconds * 1000))
    }

    /// The reading after some time; for computed deadlines.
    public func advanced(by duration: Duration) -> Moment {
        Moment(
            wall: wall.addingTimeInterval(duration.inSeconds), sinceBoot: sinceBoot + duration,
            bootID: bootID)
    }
}

extension Duration {
    /// Seconds as a floating-point number.
    public var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}

/// When an access token ends, told so that clock jumps and suspend neither serve a dead token for
/// long nor start a storm of refreshes.
public struct TokenExpiry: Hashable, Sendable {
    /// Read before the request that got the token was sent, so it never errs on the late side.
    public var obtained: Moment
    /// `expires_in`; nil when the provider gave none: the token is used until a 401.
    public var lifetime: Duration?

    /// The longest lifetime that is believed, 10 years; longer ones are cut to it.
    public static let lifetimeMax: Duration = .seconds(315_360_000)

    public init(obtained: Moment, lifetime: Duration?) {
        self.obtained = obtained
        self.lifetime = lifetime.map { min(max($0, .zero), Self.lifetimeMax) }
    }

    /// Wall-clock end, for people and `status`; nil when unknown.
    public var date: Date? {
        lifetime.map { obtained.wall.addingTimeInterval($0.inSeconds) }
    }

    /// What is left of the token: `.zero` once it is dead or the clocks cannot tell, nil when the
    /// provider named no lifetime.
    public func remaining(at now: Moment) -> Duration? {
        guard let lifetime else { return nil }
        guard let elapsed = now.elapsed(since: obtained) else { return .zero }
        return max(lifetime - elapsed, .zero)
    }
}

/// The clock at the edge; tests and the simulation bring their own.
public protocol AuthClock: Sendable {
    func now() -> Moment
    /// - Throws: `CancellationError` when the task is cancelled.
    func sleep(for duration: Duration) async throws
}

/// Randomness at the edge.
public protocol RandomSource: Sendable {
    /// Fills from the kernel's generator.
    ///
    /// - Throws: ``RandomnessUnavailable`` rather than giving fewer or weaker bytes.
    func bytes(_ count: Int) throws(RandomnessUnavailable) -> [UInt8]
}

/// The kernel gave no randomness; nothing that needs it may go on.
public struct RandomnessUnavailable: Error, Equatable, Sendable {
    public let errno: Int32
    public init(errno: Int32) { self.errno = errno }
}
