import AuthModels
import AuthSession

/// Who still waits for what, and what was ever stored.
struct Ledger {
    struct Key: Hashable {
        let process: Int
        let number: UInt64
    }

    struct Asked {
        let caller: Int
        let askedAt: Instant
        /// The generation that a sign-out of this process had ended before the caller asked.
        let signedOutUpTo: Generation?
    }

    struct Stored: Hashable {
        let generation: Generation
        let access: AccessToken
    }

    var callers: [Key: Asked] = [:]
    var signIns: Set<Key> = []
    var signOuts: Set<Key> = []
    /// Every access token that was ever on disk.
    private(set) var stored: Set<Stored> = []
    private(set) var generationMax = Generation.zero

    mutating func noteCommitted(_ session: OpenedSession) {
        stored.insert(Stored(generation: session.record.generation, access: session.tokens.access))
    }

    /// A killed process owes nobody an answer.
    mutating func forget(process: Int) {
        callers = callers.filter { $0.key.process != process }
        signIns = signIns.filter { $0.process != process }
        signOuts = signOuts.filter { $0.process != process }
    }

    /// - Returns: whether the stored generation has not fallen.
    mutating func noteGeneration(_ generation: Generation) -> Bool {
        guard generation >= generationMax else { return false }
        generationMax = generation
        return true
    }
}
