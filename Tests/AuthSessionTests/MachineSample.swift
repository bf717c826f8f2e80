import AuthModels
import AuthSession
import FoundationEssentials
import Testing

/// Sessions, tokens and moments for tests of the machine.
struct MachineSample {
    let machine: AuthMachine
    let registration: ClientRegistration
    let endpoints: PinnedEndpoints
    let scope: Scope

    init(policy: RefreshPolicy = RefreshPolicy()) throws {
        machine = AuthMachine(policy: policy)
        scope = try #require(Scope("api offline_access"))
        registration = ClientRegistration(
            issuer: try Issuer("https://id.example"),
            clientID: try #require(ClientID("client")), authentication: .none, scope: scope,
            redirectURI: try RedirectURI("http://127.0.0.1:0/callback"),
            apiBase: try WebURL("https://api.example"))
        endpoints = PinnedEndpoints(
            authorization: try WebURL("https://id.example/authorize"),
            token: try WebURL("https://id.example/token"))
    }

    /// So many seconds after the sample session's tokens were obtained.
    func moment(_ seconds: Double = 0, wall: Double? = nil, boot: String = "one") -> Moment {
        Moment(
            wall: Date(timeIntervalSince1970: 1_900_000_000 + (wall ?? seconds)),
            sinceBoot: .seconds(100_000) + .milliseconds(Int64(seconds * 1000)), bootID: boot)
    }

    func record(
        generation: Int64 = 5, lifetime: Duration? = .seconds(3600), obtained: Moment? = nil,
        mark: InFlightMark? = nil, hasRefreshToken: Bool = true
    ) throws -> SessionRecord {
        SessionRecord(
            account: .default, id: try #require(SessionID("session")),
            generation: Generation(generation), registration: registration, endpoints: endpoints,
            identity: nil, grantedScope: scope,
            expiry: TokenExpiry(obtained: obtained ?? moment(), lifetime: lifetime),
            hasRefreshToken: hasRefreshToken, hasIDToken: false, mark: mark)
    }

    func opened(
        generation: Int64 = 5, lifetime: Duration? = .seconds(3600), obtained: Moment? = nil,
        mark: InFlightMark? = nil, hasRefreshToken: Bool = true
    ) throws -> OpenedSession {
        OpenedSession(
            record: try record(
                generation: generation, lifetime: lifetime, obtained: obtained, mark: mark,
                hasRefreshToken: hasRefreshToken),
            tokens: try tokens(generation, hasRefreshToken: hasRefreshToken), clientSecret: nil)
    }

    func tokens(_ generation: Int64, hasRefreshToken: Bool = true) throws -> TokenSet {
        TokenSet(
            access: try #require(AccessToken("access-\(generation)")),
            refresh: hasRefreshToken ? RefreshToken("refresh-\(generation)") : nil)
    }

    func refreshed(
        generation: Int64 = 6, lifetime: Duration? = .seconds(3600), obtained: Moment? = nil
    ) throws -> RefreshedTokens {
        RefreshedTokens(
            tokens: try tokens(generation), identity: nil, grantedScope: scope,
            expiry: TokenExpiry(obtained: obtained ?? moment(), lifetime: lifetime))
    }

    func mark(_ seconds: Double, generation: Int64 = 5, retryAfter: Duration? = nil)
        -> InFlightMark
    {
        InFlightMark(
            generation: Generation(generation), started: moment(seconds),
            lastSent: moment(seconds), retryAfter: retryAfter)
    }

    func waiter(_ id: UInt64 = 1, _ need: TokenNeed = TokenNeed()) -> Waiter {
        Waiter(id: Waiter.ID(id), need: need)
    }

    func signedIn(_ session: OpenedSession) -> MachineRun {
        MachineRun(machine: machine, state: .signedIn(SignedIn(session)))
    }
}

/// One process's machine, driven by hand.
struct MachineRun {
    let machine: AuthMachine
    var state: AuthState

    mutating func send(_ event: AuthEvent) -> [AuthEffect] {
        let step = machine.step(state, event)
        state = step.state
        return step.effects
    }

    mutating func refresh(_ event: RefreshEvent, _ now: Moment, attempt: UInt64 = 7)
        -> [AuthEffect]
    {
        send(.refresh(Attempt(attempt), event, now))
    }

    mutating func ask(_ waiter: Waiter, _ now: Moment, attempt: UInt64 = 7) -> [AuthEffect] {
        send(.tokenRequested(waiter, Attempt(attempt), now))
    }

    /// Asks, gets the lock, reads, marks: the request is on its way.
    mutating func reachRequest(
        _ sample: MachineSample, _ session: OpenedSession, _ waiter: Waiter, at now: Moment
    ) {
        _ = ask(waiter, now)
        _ = refresh(.locked, now)
        _ = refresh(.read(.opened(session)), now)
        if stage == "settling" { _ = refresh(.waited, now) }
        _ = refresh(.marked(true), now)
    }

    /// The refresh's stage by name, "" in other states.
    var stage: String {
        guard case .refreshing(let refreshing) = state else { return "" }
        return "\(refreshing.stage)".prefixUpToParenthesis
    }

    var waiters: [Waiter] {
        if case .refreshing(let refreshing) = state { refreshing.waiters } else { [] }
    }
}

extension String {
    fileprivate var prefixUpToParenthesis: String { String(prefix { $0 != "(" }) }
}

extension [AuthEffect] {
    /// What each woken caller got.
    var woken: [Waiter.ID: Result<IssuedToken, AuthError>] {
        var result: [Waiter.ID: Result<IssuedToken, AuthError>] = [:]
        for case .wake(let id, let outcome) in self { result[id] = outcome }
        return result
    }

    var sendCount: Int {
        count { if case .send = $0 { true } else { false } }
    }

    func failure(_ id: UInt64 = 1) -> AuthError? {
        if case .failure(let error) = woken[Waiter.ID(id)] { error } else { nil }
    }

    func token(_ id: UInt64 = 1) -> IssuedToken? {
        if case .success(let token) = woken[Waiter.ID(id)] { token } else { nil }
    }
}
