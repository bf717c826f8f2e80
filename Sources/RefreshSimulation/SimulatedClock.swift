import AuthModels
import FoundationEssentials

/// Both clocks of the simulated machine. True time is the agenda's; the boot clock follows it, the
/// wall clock does so until it jumps.
struct SimulatedClock {
    private var wallOffset: Double = 1_900_000_000
    private var bootedAt: Instant = -3_600_000_000
    private var boots = 1

    func moment(at now: Instant) -> Moment {
        Moment(
            wall: Date(timeIntervalSince1970: wallOffset + Double(now) / 1e6),
            sinceBoot: .microseconds(now - bootedAt), bootID: "boot-\(boots)")
    }

    mutating func jumpWall(by seconds: Double) { wallOffset += seconds }

    mutating func reboot(at now: Instant) {
        boots += 1
        bootedAt = now
    }
}
