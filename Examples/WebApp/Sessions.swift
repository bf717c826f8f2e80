import AuthModels
import AuthSession
import Foundation
import KSConnect
import Logging
import Synchronization

/// The people who are signed in: a client for each who was here lately, and the store for all.
///
/// Requests of one person share one client, and so one refresh. A client that is dropped while it
/// is in use harms nothing: the store and its locks keep several clients of one account in step.
final class Sessions: Sendable {
    private struct Recent {
        /// The clients with the number of their last use.
        var clients: [AccountName: (client: KSConnectClient, use: UInt64)] = [:]
        var uses: UInt64 = 0
    }

    private let settings: Settings
    private let logger: Logger
    private let recent = Mutex(Recent())

    init(_ settings: Settings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    var count: Int { recent.withLock { $0.clients.count } }

    /// The client of a session, with a state that was read from the store.
    ///
    /// - Throws: `loginRequired` where the cookie is worth nothing (any more), or `store`.
    func client(of key: SessionKey) async throws(AuthError) -> KSConnectClient {
        let age = settings.platform.clock.now().wall.timeIntervalSince(key.madeAt)
        guard age < settings.sessionLifetime.inSeconds else {
            throw .loginRequired(.never)
        }
        if let client = use(key.account) { return client }
        let client = try newClient(key.account)
        // Only who is known gets a place: made-up cookies must not push others out.
        switch try await client.restore() {
        case .signedOut, .signingIn, .signingOut: throw .loginRequired(.never)
        case .expired(_, let reason): throw .loginRequired(.ended(reason))
        case .signedIn, .refreshing: return keep(client)
        }
    }

    private func newClient(_ account: AccountName) throws(AuthError) -> KSConnectClient {
        try KSConnectClient(
            account: account, storage: settings.storage, platform: settings.platform,
            logger: logger)
    }

    private func use(_ account: AccountName) -> KSConnectClient? {
        recent.withLock { recent in
            recent.uses += 1
            recent.clients[account]?.use = recent.uses
            return recent.clients[account]?.client
        }
    }

    /// Keeps a client, and drops the one that was not used for longest where there are too many.
    ///
    /// - Returns: the client to use: another request may have been first.
    @discardableResult
    func keep(_ client: KSConnectClient) -> KSConnectClient {
        recent.withLock { recent in
            recent.uses += 1
            if let other = recent.clients[client.account]?.client { return other }
            recent.clients[client.account] = (client, recent.uses)
            if recent.clients.count > settings.clientsMax,
                let oldest = recent.clients.min(by: { $0.value.use < $1.value.use })
            {
                recent.clients[oldest.key] = nil
            }
            return client
        }
    }

    private func drop(_ account: AccountName) {
        recent.withLock { $0.clients[account] = nil }
    }

    /// Signs out and forgets the account: its key will never come back.
    func end(_ key: SessionKey) async throws(AuthError) {
        let client: KSConnectClient
        if let known = use(key.account) {
            client = known
        } else {
            client = try newClient(key.account)
        }
        _ = try await client.signOut()
        try await forget(key.account)
    }

    private func forget(_ account: AccountName) async throws(AuthError) {
        drop(account)
        do { try await settings.storage.store.removeAccount(account) } catch {
            throw .store(error)
        }
    }

    // MARK: In the background

    /// Looks for idle sessions now and then, until the task is cancelled.
    func sweepAgainAndAgain() async {
        while !Task.isCancelled {
            let started = ContinuousClock.now
            do throws(AuthError) {
                let ended = try await sweep()
                let time = started.duration(to: .now).inSeconds
                logger.info(
                    "swept",
                    metadata: [
                        "ended": "\(ended)", "inMemory": "\(count)", "ms": "\(Int(time * 1000))",
                    ])
                // The tokens of those who left, this time and before: revoked when the provider can.
                try await newClient(.default).service.sendDueRevocations()
            } catch {
                logger.warning("sweep failed", metadata: ["error": "\(error.kind)"])
            }
            try? await settings.platform.clock.sleep(for: settings.sweepInterval)
        }
    }

    /// Ends the sessions that nobody can or will use again.
    ///
    /// - Returns: how many.
    private func sweep() async throws(AuthError) -> Int {
        let records: [SessionRecord]
        do { records = try await settings.storage.store.accounts() } catch { throw .store(error) }
        let over = records.filter(isOver)
        for record in over where !Task.isCancelled { try await forget(record.account) }
        return over.count
    }

    /// Idle is counted from the last access token's end: who comes back gets a new one.
    private func isOver(_ record: SessionRecord) -> Bool {
        guard let madeAt = SessionKey.madeAt(record.account) else { return false }
        let now = settings.platform.clock.now().wall
        let lastUse = record.expiry.date ?? record.expiry.obtained.wall
        return record.phase == .signedOut
            || now.timeIntervalSince(madeAt) >= settings.sessionLifetime.inSeconds
            || now.timeIntervalSince(lastUse) >= settings.idleLimit.inSeconds
    }

    /// Waits until no refresh is under way whose answer must still be kept.
    func settle() async {
        for client in recent.withLock({ $0.clients.values.map(\.client) }) {
            for await state in client.states {
                guard case .refreshing = state else { break }
            }
        }
    }
}
