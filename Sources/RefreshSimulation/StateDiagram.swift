import AuthModels
import AuthSession

/// The machine's states and transitions as Mermaid text, found by giving the machine every event in
/// every state that it can be brought to.
struct StateDiagram {
    private struct Edge: Hashable {
        let from: String
        let to: String
    }

    let text: String

    init(_ fixtures: Fixtures) throws {
        let explorer = try MachineExplorer(fixtures)
        var labels: [Edge: Set<String>] = [:]
        for transition in explorer.transitions() where transition.from != transition.to {
            let edge = Edge(from: transition.from, to: transition.to)
            labels[edge, default: []].insert(transition.event)
        }
        let states = Set(labels.keys.flatMap { [$0.from, $0.to] }).sorted()
        var lines = ["stateDiagram-v2", "    [*] --> signedOut"]
        for state in states where !state.hasPrefix(Self.group) { lines.append("    \(state)") }
        lines.append("    state refreshing {")
        for state in states where state.hasPrefix(Self.group) { lines.append("        \(state)") }
        lines.append("    }")
        let edges = labels.keys.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
        for edge in edges {
            let events = (labels[edge] ?? []).sorted().joined(separator: ", ")
            lines.append("    \(edge.from) --> \(edge.to): \(events)")
        }
        text = lines.joined(separator: "\n") + "\n"
    }

    private static let group = "refreshing_"
}

/// Walks through the machine from the state of a new process until it finds nothing new.
private struct MachineExplorer {
    struct Transition: Hashable {
        let from: String
        let event: String
        let to: String
    }

    private let machine = AuthMachine()
    private let moment: Moment
    private let record: SessionRecord
    private let opened: OpenedSession
    private let refreshed: RefreshedTokens

    init(_ fixtures: Fixtures) throws {
        guard let id = SessionID("diagram"), let access = AccessToken("access"),
            let refresh = RefreshToken("refresh")
        else { throw Fixtures.Unusable() }
        moment = SimulatedClock().moment(at: 0)
        record = SessionRecord(
            account: .default, id: id, generation: Generation(1),
            registration: fixtures.registration, endpoints: fixtures.endpoints, identity: nil,
            grantedScope: fixtures.scope,
            expiry: TokenExpiry(obtained: moment, lifetime: .zero), hasRefreshToken: true,
            hasIDToken: false)
        let tokens = TokenSet(access: access, refresh: refresh)
        opened = OpenedSession(record: record, tokens: tokens, clientSecret: nil)
        refreshed = RefreshedTokens(
            tokens: tokens, identity: nil, grantedScope: fixtures.scope,
            expiry: TokenExpiry(obtained: moment, lifetime: .seconds(3600)))
    }

    func transitions() -> [Transition] {
        var found: Set<Transition> = []
        var seen: Set<String> = []
        var open: [AuthState] = [.signedOut]
        while let state = open.popLast() {
            guard seen.insert(key(state)).inserted else { continue }
            for (label, event) in events(in: state) {
                let next = machine.step(state, event).state
                found.insert(Transition(from: name(state), event: label, to: name(next)))
                if !seen.contains(key(next)) { open.append(next) }
            }
        }
        return Array(found)
    }

    /// States that behave alike share a key.
    private func key(_ state: AuthState) -> String {
        switch state {
        case .refreshing(let refreshing):
            let details: String =
                switch refreshing.stage {
                case .locking(let patient): "\(patient)"
                case .settling(_, let sends), .marking(_, let sends), .requesting(_, let sends):
                    "\(sends)"
                case .committing(_, _, let failures), .pausing(_, _, let failures):
                    "\(min(failures, machine.policy.commitBackoff.count + 1))"
                case .closing(let error): error.kind
                case .confirming(_, let reason), .expiring(_, let reason): reason.rawValue
                case .reading: ""
                }
            return "\(name(state)) \(details) \(min(refreshing.waiters.count, 2))"
        case .signingIn(let signIn): return "\(name(state)) \(name(signIn.before.state))"
        case .signingOut(let signOut): return "\(name(state)) \(name(signOut.before.state))"
        case .signedIn(let session):
            let isEarly = session.earlyRefreshNotBefore != nil
            return "\(name(state)) \(session.access != nil) \(isEarly) \(session.refusal != nil)"
        case .signedOut, .expired: return name(state)
        }
    }

    private func name(_ state: AuthState) -> String {
        switch state {
        case .signedOut, .signedIn, .expired, .signingOut: state.name.rawValue
        case .signingIn(let signIn): "signingIn_\(signIn.stage)"
        case .refreshing(let refreshing): "refreshing_\(Describe.stage(refreshing.stage))"
        }
    }

    private func events(in state: AuthState) -> [(String, AuthEvent)] {
        let attempt = Attempt(1)
        let error = AuthError.transient("down", retryAfter: nil)
        let waiter = Waiter(id: Waiter.ID(1), need: TokenNeed())
        var events: [(String, AuthEvent)] = [
            ("signInRequested", .signInRequested(attempt)),
            ("redirectReceived", .redirectReceived(attempt)),
            ("signInStored", .signInStored(attempt, opened)),
            ("signInFailed", .signInFailed(attempt, error)),
            ("signInCancelled", .signInCancelled(attempt)),
            ("tokenRequested", .tokenRequested(waiter, attempt, moment)),
            ("signOutRequested", .signOutRequested(attempt)),
            ("signOutStored", .signOutStored(attempt)),
            ("signOutFailed", .signOutFailed(attempt, error)),
        ]
        for stored in [
            StoredSession.none, .sealed(record), .opened(opened), .expired(record, .revoked),
        ] {
            events.append(("observed \(Describe.stored(stored))", .sessionObserved(stored)))
        }
        guard case .refreshing = state else { return events }
        events += results().map { result in
            (label(result), .refresh(attempt, result, moment))
        }
        return events
    }

    private func label(_ result: RefreshEvent) -> String {
        switch result {
        case .lockFailed: "lockFailed"
        case .read(.opened(let session)):
            session.record.generation > record.generation
                ? "read(newer)" : session.record.mark == nil ? "read(same)" : "read(marked)"
        case .answered(_, let answer): Describe.answer(answer)
        case .closed: "closed"
        case .locked, .read, .readFailed, .waited, .marked, .markFailed, .committed, .commitFailed,
            .expired, .expireFailed, .disposed:
            Describe.result(result)
        }
    }

    private func results() -> [RefreshEvent] {
        let fault = StoreError.unavailable(.full)
        var marked = opened
        marked.record.mark = InFlightMark(
            generation: record.generation, started: moment, lastSent: moment)
        var next = opened
        next.record.generation = record.generation.next
        next.record.expiry = refreshed.expiry
        let answers: [RefreshAnswer] = [
            .tokens(refreshed), .identityChanged(refreshed), .invalidGrant,
            .rejected(code: ""), .tooManyRequests(retryAfter: nil),
            .serverError(status: 503, retryAfter: nil),
            .serverError(status: 503, retryAfter: .seconds(9)), .lost("reset"),
            .notSent(.transient("refused", retryAfter: nil)),
        ]
        return [
            .locked, .lockFailed(.busy), .lockFailed(.unavailable(.readOnly)), .read(.none),
            .read(.opened(opened)), .read(.opened(marked)), .read(.opened(next)),
            .read(.expired(record, .revoked)), .readFailed(fault), .waited, .marked(true),
            .marked(false), .markFailed(fault), .closed(nil), .closed(fault),
            .committed(.committed(next)), .committed(.superseded),
            .commitFailed(record.reference, refreshed, fault), .expired(true), .expired(false),
            .expireFailed(fault),
        ] + answers.map { .answered(record.reference, $0) }
    }
}
