import AuthModels
import FoundationEssentials
import Testing

@Suite("Expiry over jumping clocks")
struct TokenExpiryTests {
    static func moment(_ wall: Double, _ boot: Double, bootID: String = "boot-1") -> Moment {
        Moment(
            wall: Date(timeIntervalSince1970: 1_800_000_000 + wall), sinceBoot: .seconds(boot),
            bootID: bootID)
    }

    let expiry = TokenExpiry(obtained: moment(0, 1000), lifetime: .seconds(3600))

    @Test("Case 73: one second around the end is told exactly")
    func edge() {
        #expect(expiry.remaining(at: Self.moment(3599, 4599)) == .seconds(1))
        #expect(expiry.remaining(at: Self.moment(3600, 4600)) == .zero)
        #expect(expiry.remaining(at: Self.moment(3601, 4601)) == .zero)
        #expect(expiry.date == Date(timeIntervalSince1970: 1_800_003_600))
    }

    @Test(
        "Case 73: within one boot a wall clock that jumps changes nothing",
        arguments: [
            63_072_000.0, -3600, -1_800_000_000, 1e12,
        ])
    func wallJumps(jump: Double) {
        #expect(expiry.remaining(at: Self.moment(jump, 1600)) == .seconds(3000))
    }

    @Test("Case 73: 8 hours of suspend count, as the boot clock counts them")
    func suspend() {
        #expect(expiry.remaining(at: Self.moment(28_800, 29_800)) == .zero)
        #expect(expiry.remaining(at: Self.moment(0, 29_800)) == .zero)
    }

    @Test("Case 73: after a restart the wall clock tells; one that went back makes the token dead")
    func restart() {
        #expect(expiry.remaining(at: Self.moment(600, 5, bootID: "boot-2")) == .seconds(3000))
        #expect(expiry.remaining(at: Self.moment(3600, 5, bootID: "boot-2")) == .zero)
        #expect(expiry.remaining(at: Self.moment(-1, 5, bootID: "boot-2")) == .zero)
        #expect(expiry.remaining(at: Self.moment(-1_800_000_000, 5, bootID: "boot-2")) == .zero)
        #expect(expiry.remaining(at: Self.moment(1e15, 5, bootID: "boot-2")) == .zero)
    }

    @Test(
        "Case 73: a boot clock that goes back within one boot makes the token dead, without a trap")
    func bootBackwards() {
        #expect(expiry.remaining(at: Self.moment(10, 999)) == .zero)
        #expect(Self.moment(10, 999).elapsed(since: expiry.obtained) == nil)
    }

    @Test("A lifetime is cut to 10 years and to nothing; none means until a 401")
    func lifetimes() {
        let obtained = Self.moment(0, 0)
        #expect(TokenExpiry(obtained: obtained, lifetime: .seconds(-5)).lifetime == .zero)
        #expect(
            TokenExpiry(obtained: obtained, lifetime: .seconds(Int64.max)).lifetime
                == TokenExpiry.lifetimeMax)
        let unknown = TokenExpiry(obtained: obtained, lifetime: nil)
        #expect(unknown.remaining(at: Self.moment(1e6, 1e6)) == nil)
        #expect(unknown.date == nil)
    }

    @Test("A deadline is as far away on both clocks")
    func advanced() {
        let later = Self.moment(0, 0).advanced(by: .milliseconds(1500))
        #expect(later.sinceBoot == .milliseconds(1500))
        #expect(later.wall.timeIntervalSince1970 == 1_800_000_001.5)
        #expect(later.elapsed(since: Self.moment(0, 0)) == .milliseconds(1500))
    }
}
