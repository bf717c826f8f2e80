import AuthModels
import AuthSession
import FoundationEssentials
import Synchronization
import Testing

/// A session whose generations are `at-1`, `at-2`…: refreshing counts, and refuses to be asked for
/// what it has not issued.
final class FakeSession: TokenSource {
    private struct Content {
        var generation: Int64
        var lookups = 0
        var refreshes = 0
        var failures: [AuthError] = []
    }

    private let content: Mutex<Content>
    private let record: SessionRecord
    private let dpopKey: DPoPKey?

    init(generation: Int64 = 1, record: SessionRecord, dpopKey: DPoPKey? = nil) {
        content = Mutex(Content(generation: generation))
        self.record = record
        self.dpopKey = dpopKey
    }

    /// How often a token was asked for.
    var lookups: Int { content.withLock { $0.lookups } }
    var refreshes: Int { content.withLock { $0.refreshes } }
    var generation: Int64 { content.withLock { $0.generation } }

    /// The next refresh fails so.
    func failNextRefresh(_ error: AuthError) {
        content.withLock { $0.failures.append(error) }
    }

    /// Another process has refreshed.
    func rotateElsewhere() {
        content.withLock { $0.generation += 1 }
    }

    func accessToken(_ need: TokenNeed?) async throws(AuthError) -> IssuedToken {
        let result: Result<Int64, AuthError> = content.withLock { content in
            content.lookups += 1
            guard let old = need?.newerThan else { return .success(content.generation) }
            if old.rawValue > content.generation {
                Issue.record("generation \(old) was never issued")
            }
            if old.rawValue < content.generation { return .success(content.generation) }
            content.refreshes += 1
            if let failure = content.failures.popLast() { return .failure(failure) }
            content.generation += 1
            return .success(content.generation)
        }
        let generation = try result.get()
        guard let access = AccessToken("at-\(generation)") else {
            throw .configInvalid("not a token")
        }
        var record = record
        record.generation = Generation(generation)
        return IssuedToken(access: access, record: record, dpopKey: dpopKey)
    }
}

extension SessionRecord {
    /// A signed-in public client.
    static func sample(
        api: String = "https://api.example", userInfo: String? = nil, subject: String? = nil
    ) throws -> SessionRecord {
        let issuer = try Issuer("https://id.example")
        return SessionRecord(
            account: .default, id: SessionID(random: [1, 2, 3]), generation: Generation(1),
            registration: ClientRegistration(
                issuer: issuer, clientID: try #require(ClientID("client")),
                authentication: .none, scope: try #require(Scope("user_api.full_access")),
                redirectURI: try RedirectURI("http://localhost:3000/callback"),
                apiBase: try WebURL(api)),
            endpoints: PinnedEndpoints(
                authorization: try WebURL("https://id.example/authorize"),
                token: try WebURL("https://id.example/token"),
                userInfo: try userInfo.map { try WebURL($0) }),
            identity: subject.flatMap { Subject($0) }.map { Identity(subject: $0) },
            grantedScope: Scope(),
            expiry: TokenExpiry(
                obtained: Moment(
                    wall: Date(timeIntervalSince1970: 0), sinceBoot: .zero, bootID: "boot"),
                lifetime: nil),
            hasRefreshToken: true, hasIDToken: false)
    }
}
