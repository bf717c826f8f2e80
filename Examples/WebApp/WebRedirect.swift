import AuthModels
import Synchronization

/// Receives one sign-in's redirect by a route of the web application, where a native app binds a
/// loopback port. This is all that the core needs to know of the web.
///
/// The core asks for a listener, tells the URL for the browser, and waits; the handler of `/sign-in`
/// waits for that URL, and the handler of `/callback` offers what came.
final class WebRedirect: RedirectReceiving, RedirectListener {
    typealias Judge = @Sendable (String) -> RedirectJudgement
    private typealias Waiter = CheckedContinuation<Result<ReceivedRedirect, RedirectError>, Never>

    private enum Phase {
        case starting(WebURL?)
        case waiting(Judge, Waiter, rejections: Int)
        case over
    }

    let redirectURI: RedirectURI
    private let phase = Mutex(Phase.starting(nil))
    /// The authorization URL, once a redirect can be received; none where the sign-in ended before.
    let authorizationURL: AsyncStream<WebURL>
    private let announce: AsyncStream<WebURL>.Continuation

    init(_ redirectURI: RedirectURI) {
        self.redirectURI = redirectURI
        (authorizationURL, announce) = AsyncStream.makeStream()
    }

    // MARK: What the core calls

    func listen(on redirectURI: RedirectURI) async throws(RedirectError) -> any RedirectListener {
        self
    }

    /// Kept until somebody waits for the redirect, so that none can come too early.
    func present(_ url: WebURL) {
        phase.withLock { if case .starting = $0 { $0 = .starting(url) } }
    }

    func receive(judge: @escaping Judge) async throws(RedirectError) -> ReceivedRedirect {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                wait(judge, waiter)
                if Task.isCancelled { end(.cancelled) }
            }
        } onCancel: {
            end(.cancelled)
        }
        return try result.get()
    }

    private func wait(_ judge: @escaping Judge, _ waiter: Waiter) {
        let url = phase.withLock { phase -> WebURL? in
            guard case .starting(let url) = phase else { return nil }
            phase = .waiting(judge, waiter, rejections: 0)
            return url
        }
        guard let url else { return waiter.resume(returning: .failure(.closed)) }
        announce.yield(url)
        announce.finish()
    }

    /// Nothing to do: the handler of `/callback` waits for the sign-in itself, whose error says more.
    func finish(_ outcome: SignInOutcome) async {}

    func close() async { end(.closed) }

    private func end(_ error: RedirectError) {
        let waiter = phase.withLock { phase -> Waiter? in
            defer { phase = .over }
            guard case .waiting(_, let waiter, _) = phase else { return nil }
            return waiter
        }
        announce.finish()
        waiter?.resume(returning: .failure(error))
    }

    // MARK: What `/callback` calls

    /// Hands over a request's path and query. What belongs to another sign-in is rejected, and this
    /// one goes on waiting.
    func offer(_ target: String) -> RedirectJudgement {
        guard case .waiting(let judge, _, _) = phase.withLock({ $0 }) else { return .rejected }
        let judgement = judge(target)
        let accepted = phase.withLock { phase -> (Waiter, ReceivedRedirect)? in
            guard case .waiting(let judge, let waiter, let rejections) = phase else { return nil }
            guard judgement == .accepted else {
                phase = .waiting(judge, waiter, rejections: rejections + 1)
                return nil
            }
            phase = .over
            return (waiter, ReceivedRedirect(target: target, rejections: rejections))
        }
        guard let (waiter, redirect) = accepted else { return .rejected }
        waiter.resume(returning: .success(redirect))
        return .accepted
    }
}
