import AuthModels

/// The provider's side of refresh: families of tokens, rotation, reuse, revocation.
struct SimulatedProvider {
    enum Rotation: String, CaseIterable {
        /// One-time tokens; a consumed one kills the family.
        case oneTime
        /// One-time tokens; a consumed one gives the same successor again for 5 s.
        case oneTimeWithGrace
        /// The refresh token stays the same (the IdentityServer family's default).
        case reuse
    }

    static let grace = Instant.s(5)

    struct Family {
        /// Alive until revoked by a client, by the provider itself, or by reuse.
        var isAlive = true
        /// The provider ended it of its own accord.
        var isRevokedByProvider = false
        var head: String
    }

    struct Token {
        let family: Int
        var consumedAt: Instant?
        var successor: String?
        /// What became of the answer that carried it.
        var fate = Fate.unreceived
    }

    enum Fate {
        case unreceived
        /// In the memory of a process, nowhere else.
        case received(process: Int, life: Int)
        /// Stored, or queued for revocation.
        case durable
    }

    enum Grant {
        case tokens(refresh: String, access: String)
        case invalid
    }

    let rotation: Rotation
    private(set) var families: [Family] = []
    private(set) var tokens: [String: Token] = [:]
    private var accessCount = 0

    init(rotation: Rotation) { self.rotation = rotation }

    mutating func signIn() -> (refresh: String, access: String) {
        let refresh = "refresh-\(families.count)-0"
        tokens[refresh] = Token(family: families.count)
        families.append(Family(head: refresh))
        return (refresh, nextAccess())
    }

    private mutating func nextAccess() -> String {
        accessCount += 1
        return "access-\(accessCount)"
    }

    mutating func refresh(_ refresh: String, at now: Instant) -> Grant {
        guard var token = tokens[refresh], families[token.family].isAlive else { return .invalid }
        if let consumedAt = token.consumedAt {
            if rotation == .oneTimeWithGrace, now - consumedAt <= Self.grace,
                let successor = token.successor, tokens[successor]?.consumedAt == nil
            {
                return .tokens(refresh: successor, access: nextAccess())
            }
            families[token.family].isAlive = false
            return .invalid
        }
        if rotation == .reuse { return .tokens(refresh: refresh, access: nextAccess()) }
        let successor = "refresh-\(token.family)-\(accessCount + 1)"
        token.consumedAt = now
        token.successor = successor
        tokens[refresh] = token
        tokens[successor] = Token(family: token.family)
        families[token.family].head = successor
        return .tokens(refresh: successor, access: nextAccess())
    }

    /// RFC 7009. Only the family's newest token ends it: an old one is "already invalid".
    mutating func revoke(_ refresh: String) {
        guard let token = tokens[refresh], token.consumedAt == nil else { return }
        families[token.family].isAlive = false
    }

    mutating func revokeByProvider(_ refresh: String) {
        guard let family = tokens[refresh]?.family, families[family].isAlive else { return }
        families[family].isAlive = false
        families[family].isRevokedByProvider = true
    }

    mutating func setFate(_ refresh: String?, _ fate: Fate) {
        guard let refresh, tokens[refresh] != nil else { return }
        if case .durable = tokens[refresh]?.fate { return }
        tokens[refresh]?.fate = fate
    }

    /// Whether a refresh with this token would bring tokens now.
    func honours(_ refresh: String, at now: Instant) -> Bool {
        guard let token = tokens[refresh], families[token.family].isAlive else { return false }
        guard let consumedAt = token.consumedAt else { return true }
        guard rotation == .oneTimeWithGrace, let successor = token.successor else { return false }
        return now - consumedAt <= Self.grace && tokens[successor]?.consumedAt == nil
    }

    func family(of refresh: String) -> Family? {
        tokens[refresh].map { families[$0.family] }
    }
}
