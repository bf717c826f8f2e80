public import struct FoundationEssentials.Date

/// The token store's port. Every method is one durable transaction or one consistent read.
///
/// An implementation promises: a generation never falls; what a method returned from is on disk
/// (synced); secrets are sealed before they touch a file; no method waits longer than its own bound
/// for another process, and then throws ``StoreError/unavailable(_:)`` with `.busy`.
public protocol SessionStore: Sendable {
    /// The account's session or tombstone without its secrets; works without the key.
    func record(of account: AccountName) async throws(StoreError) -> SessionRecord?

    /// The active session with its secrets opened; nil when there is none, or it is a tombstone or
    /// expired. One query, one call to the keyring.
    func open(_ account: AccountName) async throws(StoreError) -> OpenedSession?

    /// Proves that a sign-in can be kept: the store can be written and the key is at hand. Makes the
    /// key where no sealed data exists.
    func prepareForSignIn() async throws(StoreError)

    /// Stores a completed sign-in as the account's next generation. A session it replaces is wiped
    /// and its refresh token queued for revocation in the same transaction.
    func signIn(_ session: NewSession) async throws(StoreError) -> OpenedSession

    /// Writes the in-flight mark, and with it proves that the answer can be kept: the file can be
    /// written and grow, the key is at hand. A standing mark of this generation keeps its start.
    ///
    /// - Returns: false when the session is not at this id and generation, or not active.
    func markInFlight(
        _ reference: SessionReference, at moment: Moment
    ) async throws(StoreError) -> Bool

    /// Takes the mark away: the provider has answered that it did nothing. No-op on any other
    /// session, generation or phase.
    func clearMark(_ reference: SessionReference) async throws(StoreError)

    /// Keeps the mark and notes how long the provider wants to be left alone. No-op as above.
    func postponeMark(
        _ reference: SessionReference, retryAfter: Duration
    ) async throws(StoreError)

    /// Stores the next generation and clears the mark, if the session is still the one referenced;
    /// client secret and DPoP key stay what they are.
    /// Otherwise queues the new refresh token for revocation, in the same transaction.
    func commitRefresh(
        _ reference: SessionReference, _ refreshed: RefreshedTokens
    ) async throws(StoreError) -> CommitOutcome

    /// Ends the session and erases its tokens, if it is still the one referenced; keeps the record.
    /// Works without the key.
    ///
    /// - Parameter revoking: queues the refresh token for revocation too.
    /// - Returns: whether it was.
    func expire(
        _ reference: SessionReference, reason: ExpiryReason, revoking: Bool
    ) async throws(StoreError) -> Bool

    /// Wipes the account's tokens, leaves a tombstone with its generation and queues the sealed
    /// refresh token for revocation, where the provider takes one. Works without the key.
    ///
    /// - Returns: false when nobody was signed in.
    func signOut(_ account: AccountName) async throws(StoreError) -> Bool

    /// Pending revocations that are due, oldest first, at most `limit`, opened with the key.
    func dueRevocations(
        at now: Date, limit: Int
    ) async throws(StoreError) -> [PendingRevocation]

    /// How many revocations wait, due or not; works without the key.
    func pendingRevocationCount() async throws(StoreError) -> Int

    /// Erases a revocation that was sent or that nobody can send.
    func completeRevocation(_ id: PendingRevocation.ID) async throws(StoreError)

    /// Keeps a revocation for later and counts the attempt.
    func postponeRevocation(
        _ id: PendingRevocation.ID, until: Date
    ) async throws(StoreError)

    /// All accounts that hold a session or a tombstone, ordered by name's bytes; no limit.
    func accounts() async throws(StoreError) -> [SessionRecord]

    /// The account that commands use when none is named; nil when none was chosen or signed in.
    func currentAccount() async throws(StoreError) -> AccountName?

    /// Makes an account the current one. A name that the store does not know is taken too: the
    /// caller checks.
    func useAccount(_ account: AccountName) async throws(StoreError)

    /// Forgets the account's record. Signed-in sessions are signed out in the same transaction; its
    /// generation is kept, so that a later sign-in still grows it.
    func removeAccount(_ account: AccountName) async throws(StoreError)
}

/// How a refresh's commit ended.
public enum CommitOutcome: Hashable, Sendable {
    case committed(OpenedSession)
    /// Signed out, signed in again or rotated by another meanwhile; the new refresh token is queued
    /// for revocation, durably.
    case superseded
}

/// A refresh token that the provider must still be told to forget.
public struct PendingRevocation: Hashable, Sendable, Identifiable {
    public struct ID: Hashable, Sendable {
        public let rawValue: Int64
        public init(_ rawValue: Int64) { self.rawValue = rawValue }
    }

    public let id: ID
    public let registration: ClientRegistration
    public let clientSecret: ClientSecret?
    public let endpoints: PinnedEndpoints
    public let token: RefreshToken
    /// How many attempts have failed.
    public let attempts: Int

    public init(
        id: ID, registration: ClientRegistration, clientSecret: ClientSecret?,
        endpoints: PinnedEndpoints, token: RefreshToken, attempts: Int
    ) {
        self.id = id
        self.registration = registration
        self.clientSecret = clientSecret
        self.endpoints = endpoints
        self.token = token
        self.attempts = attempts
    }
}

/// The lock that lets one refresh of an account happen at a time, over all processes. It is the
/// kernel's, so it dies with its holder.
public protocol RefreshLocking: Sendable {
    /// - Parameter within: how long to wait; `.zero` tries once.
    /// - Throws: `.busy` when another holds it all that time, `.cancelled` when the task is.
    func acquire(
        _ account: AccountName, within: Duration
    ) async throws(RefreshLockError) -> any HeldRefreshLock
}

/// A lock that is held until `release`, or until the last reference goes.
public protocol HeldRefreshLock: Sendable {
    func release()
}

/// Why the lock was not got.
public enum RefreshLockError: Error, Hashable, Sendable {
    case busy
    case cancelled
    /// The lock's file cannot be made or opened.
    case unavailable(StoreFault)
}

/// The store or its key cannot be used now. Nothing is lost by it.
public enum StoreError: Error, Hashable, Sendable {
    case unavailable(StoreFault)
    /// The file or a row is damaged or was tampered with; the original is kept.
    case corrupt(String)
    case key(KeyFault)
}

/// Why the store cannot be used, split by what a person does about it.
public enum StoreFault: Hashable, Sendable {
    /// A mode, an owner, a link or a file type that is refused; says which file and why.
    case permission(String)
    case full
    case busy
    case readOnly
    /// Written by a later version of this software.
    case newerSchema
    case inputOutput(String)
}

/// States of the key that are not states of the session.
public enum KeyFault: Hashable, Sendable {
    /// No Secret Service can be reached; says what was tried.
    case unavailable(String)
    /// The Secret Service did not answer in time.
    case notAnswering
    case locked
    /// The person dismissed the prompt.
    case dismissed
    /// Sealed data exists and its key is not in this keyring; names the provider asked.
    case missing(String)
    /// A later sign-in replaced the key that sealed this session, and no keyring has the old one:
    /// signing in again is all that is left. Names the provider asked.
    case lost(String)
    /// The keyring's key does not fit this database.
    case wrong
    /// Another process is changing the key.
    case rotating
    /// The Secret Service refused to keep the key.
    case refused(String)
    /// The key waits for its passphrase, and nobody is there to ask.
    case passphraseNeeded
    /// The passphrase does not open the key. Nothing is replaced because of it.
    case wrongPassphrase
    /// The system's credential is not there or cannot be used; says why.
    case noCredential(String)
    /// The key is kept elsewhere than the settings say; names both.
    case otherVault(kept: String, chosen: String)
    /// The task that asked was cancelled while it waited.
    case cancelled
}
