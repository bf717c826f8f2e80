internal import AuthModels
internal import FoundationEssentials
internal import Logging
internal import OpenIDConnect
internal import Telemetry

/// Tells providers to forget refresh tokens (RFC 7009), from the store's queue.
///
/// Two processes may send one token twice, which the specification allows; a crash before the answer
/// sends it again.
struct RevocationSender: Sendable {
    let store: any SessionStore
    let provider: ProviderClient
    let clock: any AuthClock
    let logger: Logger
    let observability: Observability

    private static let batch = 16
    private static let backoffFirst: Duration = .seconds(30)
    private static let backoffMax: Duration = .seconds(3600)
    /// Somebody who signs out waits for it, and it can be sent again at any time.
    private static let requestDeadline: Duration = .seconds(5)
    /// After this nothing more is sent in one go; the rest stays due.
    private static let totalMax: Duration = .seconds(10)

    /// Sends what is due, oldest first; stops when nothing is, when it has taken too long, or when
    /// the store cannot be used.
    func sendDue() async {
        await send()
        guard observability.hasMetrics, let pending = try? await store.pendingRevocationCount()
        else { return }
        observability.revocationsPending(pending)
    }

    private func send() async {
        let started = clock.now()
        var silent: [WebURL: Duration] = [:]
        do throws(StoreError) {
            while true {
                let due = try await store.dueRevocations(at: clock.now().wall, limit: Self.batch)
                for revocation in due {
                    guard (clock.now().elapsed(since: started) ?? .zero) < Self.totalMax else {
                        return
                    }
                    try await send(revocation, &silent)
                }
                if due.count < Self.batch { return }
            }
        } catch {
            logger.debug("revocations wait", metadata: ["error": "\(error.kind)"])
        }
    }

    /// - Parameter silent: the endpoints that gave no verdict just now: what else is due there is put
    ///   off with the first, so that an outage is waited for once and not once for each.
    private func send(
        _ revocation: PendingRevocation, _ silent: inout [WebURL: Duration]
    ) async throws(StoreError) {
        let endpoint = revocation.endpoints.revocation
        let outcome: Revocation.Outcome =
            if let wait = endpoint.flatMap({ silent[$0] }) {
                .later(retryAfter: wait)
            } else {
                await provider.revoke(revocation, deadline: Self.requestDeadline)
            }
        switch outcome {
        case .done:
            observability.revocation(.sent)
            try await store.completeRevocation(revocation.id)
        case .impossible(let reason):
            observability.revocation(.impossible)
            logger.warning(
                "a refresh token cannot be revoked and is left to expire at the provider",
                metadata: ["reason": "\(reason)"])
            try await store.completeRevocation(revocation.id)
        case .later(let retryAfter):
            observability.revocation(.later)
            if let endpoint { silent[endpoint] = retryAfter ?? .zero }
            let backoff = min(
                Self.backoffFirst * (1 << min(revocation.attempts, 10)), Self.backoffMax)
            let wait = max(retryAfter ?? .zero, backoff)
            try await store.postponeRevocation(
                revocation.id, until: clock.now().wall.addingTimeInterval(wait.inSeconds))
        }
    }
}
