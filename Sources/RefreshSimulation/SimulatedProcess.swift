import AuthModels
import AuthSession

/// One process that uses the account: the real machine's state, and what runs its effects.
final class SimulatedProcess {
    let index: Int
    /// Counts restarts; what an earlier life began is lost with it.
    var life = 0
    var isAlive = false
    var isStopped = false
    var state: AuthState = .signedOut
    var lastNumber: UInt64 = 0
    /// Changes with the state; an observation that began before is not applied.
    var epoch = 0
    /// Effects of an attempt whose result is still to come.
    var pending: [UInt64: Int] = [:]
    /// What was due while the process was stopped.
    var deferred: [() -> Void] = []
    var isRevoking = false
    var mustRevokeAgain = false
    /// What the process has last read; for the mutant that does not read again.
    var lastRead: StoredSession?
    /// The generation that a completed sign-out of this process ended.
    var signedOutUpTo: Generation?
    var abandoned: Set<UInt64> = []

    init(index: Int) { self.index = index }

    func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    func start() {
        life += 1
        isAlive = true
        isStopped = false
        state = .signedOut
        epoch += 1
        pending = [:]
        deferred = []
        isRevoking = false
        mustRevokeAgain = false
        lastRead = nil
        signedOutUpTo = nil
        abandoned = []
    }
}

/// The kernel's lock of the account.
struct SimulatedLock {
    struct Owner: Equatable {
        let process: Int
        let life: Int
        let attempt: UInt64
    }

    var holder: Owner?
    var waiters: [Owner] = []
}

/// One request to the token endpoint.
struct SimulatedRequest {
    enum Outcome {
        case open
        case tokens(RefreshedTokens)
        case invalidGrant
        /// 4xx: provably not carried out.
        case refused
        /// 5xx, 429, lost, or its sender died.
        case uncertain
    }

    let id: Int
    let owner: SimulatedLock.Owner
    let session: OpenedSession
    let refreshToken: String
    let sentAt: Instant
    let obtained: Moment
    /// Counts changes of the arrival time; only the latest arrives.
    var arrivalVersion = 0
    var arrivalAt: Instant
    /// Arrived, or lost for good.
    var hasLeftNetwork = false
    /// The sender has an answer, or gave up, or died.
    var isSenderDone = false
    var outcome = Outcome.open
    /// What the answer brought is stored or queued for revocation.
    var isKept = false
    /// A store that refused to write, or a sign-out in between, explains that it is repeated
    /// although it was answered with invalid_grant.
    var isExcused = false
    /// Its tokens named someone else and could not even be queued for revocation.
    var isDropped = false

    var isInFlight: Bool { !hasLeftNetwork || !isSenderDone }
}

struct Violation: Error {
    let invariant: Int
    let what: String
}

/// What a run did, added up over runs.
struct Counts: Sendable {
    var seeds = 0
    var simulated: Instant = 0
    var steps = 0
    var requests = 0
    var refreshes = 0
    var kills = 0
    var stops = 0
    var reboots = 0
    var signIns = 0
    var signOuts = 0
    var lostTokens = 0
    /// Callers' results and ends of sessions, by kind.
    var outcomes: [String: Int] = [:]

    mutating func count(_ outcome: String) { outcomes[outcome, default: 0] += 1 }

    mutating func add(_ other: Counts) {
        seeds += other.seeds
        simulated += other.simulated
        steps += other.steps
        requests += other.requests
        refreshes += other.refreshes
        kills += other.kills
        stops += other.stops
        reboots += other.reboots
        signIns += other.signIns
        signOuts += other.signOuts
        lostTokens += other.lostTokens
        outcomes.merge(other.outcomes, uniquingKeysWith: +)
    }
}
