import AuthModels
import FoundationEssentials

/// A store that holds one session, good for a day, and takes no other.
struct FixedStore: SessionStore {
    private struct Invalid: Error {}
    private let session: OpenedSession
    private let refused = StoreError.unavailable(.readOnly)

    init(base: WebURL, now: Moment) throws {
        guard let client = ClientID("client"), let scope = Scope("openid"),
            let access = AccessToken(String(repeating: "a", count: 900))
        else { throw Invalid() }
        let record = SessionRecord(
            account: .default, id: SessionID(random: [1]), generation: Generation(1),
            registration: ClientRegistration(
                issuer: try Issuer("https://id.example"), clientID: client, authentication: .none,
                scope: scope, redirectURI: try RedirectURI("http://localhost:3000/callback"),
                apiBase: base),
            endpoints: PinnedEndpoints(
                authorization: try WebURL("https://id.example/authorize"),
                token: try WebURL("https://id.example/token")),
            identity: nil, grantedScope: scope,
            expiry: TokenExpiry(obtained: now, lifetime: .seconds(86_400)),
            hasRefreshToken: false, hasIDToken: false)
        session = OpenedSession(
            record: record, tokens: TokenSet(access: access), clientSecret: nil)
    }

    func record(of account: AccountName) async throws(StoreError) -> SessionRecord? {
        session.record
    }
    func open(_ account: AccountName) async throws(StoreError) -> OpenedSession? { session }
    func prepareForSignIn() async throws(StoreError) { throw refused }
    func signIn(_ session: NewSession) async throws(StoreError) -> OpenedSession { throw refused }
    func markInFlight(
        _ reference: SessionReference, at moment: Moment
    ) async throws(StoreError) -> Bool { throw refused }
    func clearMark(_ reference: SessionReference) async throws(StoreError) { throw refused }
    func postponeMark(
        _ reference: SessionReference, retryAfter: Duration
    ) async throws(StoreError) { throw refused }
    func commitRefresh(
        _ reference: SessionReference, _ refreshed: RefreshedTokens
    ) async throws(StoreError) -> CommitOutcome { throw refused }
    func expire(
        _ reference: SessionReference, reason: ExpiryReason, revoking: Bool
    ) async throws(StoreError) -> Bool { throw refused }
    func signOut(_ account: AccountName) async throws(StoreError) -> Bool { throw refused }
    func dueRevocations(
        at now: Date, limit: Int
    ) async throws(StoreError) -> [PendingRevocation] { [] }
    func pendingRevocationCount() async throws(StoreError) -> Int { 0 }
    func completeRevocation(_ id: PendingRevocation.ID) async throws(StoreError) { throw refused }
    func postponeRevocation(
        _ id: PendingRevocation.ID, until: Date
    ) async throws(StoreError) { throw refused }
    func accounts() async throws(StoreError) -> [SessionRecord] { [session.record] }
    func currentAccount() async throws(StoreError) -> AccountName? { .default }
    func useAccount(_ account: AccountName) async throws(StoreError) { throw refused }
    func removeAccount(_ account: AccountName) async throws(StoreError) { throw refused }
}

/// A valid token needs no lock.
struct NoLocks: RefreshLocking {
    func acquire(
        _ account: AccountName, within: Duration
    ) async throws(RefreshLockError) -> any HeldRefreshLock { throw .busy }
}
