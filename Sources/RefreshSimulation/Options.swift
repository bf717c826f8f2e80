import ArgumentParser

/// Breaks one rule where effects are carried out, to show that the simulation can fail.
enum Mutant: String, CaseIterable, ExpressibleByArgument {
    /// Every process gets the lock at once.
    case noLock
    /// The in-flight mark is not written.
    case noMark
    /// Under the lock, what memory knows is taken for what the store says.
    case noReread
    /// The settling time is not waited for.
    case noSettle
    /// Callers get the new token before it is stored.
    case handOutBeforeCommit
    /// A commit does not ask whether the session is still the one that was refreshed.
    case signOutNoCAS
    /// A commit that comes too late revokes its token even where that is the one in use.
    case revokeCurrent
    /// A refresh that is left behind while its tokens cannot be stored gives its lock back at once.
    case releaseInPause
    /// What was read before a sign-out is applied after it.
    case staleObservation
    /// A request may arrive later than the settling time after its sender gave up. No client can
    /// know; this shows what the settling time is for.
    case lateRequests
}

/// One run's inputs; nothing else decides what happens in it.
struct Options {
    var seed: UInt64
    var mutant: Mutant?
    var isTraced = false
}

/// What a seed's world is like; probabilities are per occasion.
struct Weather {
    var rotation: SimulatedProvider.Rotation
    var processes: Int
    var callers: Int
    var duration: Instant
    var lifetime: Instant
    /// Mean pause between a caller's requests.
    var pause: Instant
    /// Whether callers whose request failed ask again at once.
    var hasHotCallers: Bool
    /// Pauses between two disturbances.
    var disturbancePause: Instant
    var killInRefresh: Double
    var stopInRefresh: Double
    var signOutInRefresh: Double
    var slowKeyring: Double
    var storeFaultInRequest: Double
    var lossOnNetwork: Double
    var slowness: Double
    var badAnswer: Double
    var identityChange: Double
    var busyStore: Double
    var ambiguousCommit: Double
    var cancel: Double
    /// Whether the provider may end the session by itself.
    var mayRevoke: Bool

    init(random: inout SeededRandom) {
        rotation = random.pick(.oneTime, .oneTimeWithGrace, .oneTimeWithGrace, .reuse)
        processes = 2 + random.below(4)
        callers = 1 + random.below(4)
        duration = .s(120 + Int64(random.below(240)))
        lifetime = .s(random.pick(5, 20, 40, 60, 90))
        pause = .s(random.pick(2, 5, 10))
        hasHotCallers = random.below(16) == 0
        if hasHotCallers { (duration, processes, callers) = (.s(30), 2, 1) }
        disturbancePause = .s(random.pick(5, 15, 40))
        killInRefresh = random.pick(0, 0.005, 0.02, 0.05)
        stopInRefresh = random.pick(0, 0.005, 0.02)
        signOutInRefresh = random.pick(0, 0.002, 0.01)
        slowKeyring = random.pick(0, 0.1)
        storeFaultInRequest = random.pick(0, 0, 0.02, 0.1)
        lossOnNetwork = random.pick(0, 0.02, 0.1, 0.3)
        slowness = random.pick(0, 0.05, 0.2)
        badAnswer = random.pick(0, 0.03, 0.15, 0.3)
        identityChange = random.pick(0, 0, 0, 0.02)
        busyStore = random.pick(0, 0.01, 0.05)
        ambiguousCommit = random.pick(0, 0.01, 0.1)
        cancel = random.pick(0, 0.05, 0.3)
        mayRevoke = random.chance(0.4)
    }

    /// No more disturbances: what must come to an end can be waited for.
    mutating func calm() {
        killInRefresh = 0
        stopInRefresh = 0
        signOutInRefresh = 0
        slowKeyring = 0
        storeFaultInRequest = 0
        lossOnNetwork = 0
        slowness = 0
        badAnswer = 0
        identityChange = 0
        busyStore = 0
        ambiguousCommit = 0
        cancel = 0
        mayRevoke = false
    }
}
