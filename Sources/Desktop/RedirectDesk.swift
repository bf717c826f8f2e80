internal import AuthModels
internal import NIOCore
internal import Synchronization

/// Where the connections of one sign-in meet the code that waits for it.
///
/// Connections report from the listener's event loop, one after another; the sign-in calls from its
/// task. What belongs to both stands under one lock, and nothing foreign (the judge, a
/// continuation) is ever called while it is held.
final class RedirectDesk: Sendable {
    typealias Judge = @Sendable (String) -> RedirectJudgement
    typealias Waiter = CheckedContinuation<Result<ReceivedRedirect, RedirectError>, Never>

    /// What a connection does with a candidate.
    enum Reply: Equatable {
        case answer(RedirectPage)
        /// Nobody waits for a redirect yet: a ``JudgeEvent`` will ask again.
        case park
        /// This is the one: keeps the browser waiting until an ``AnswerEvent`` comes.
        case hold
    }

    /// Sent into a held connection's pipeline.
    struct AnswerEvent: Sendable {
        var page: RedirectPage
    }

    /// Sent into the pipeline of a request that came before anyone waited for it.
    struct JudgeEvent: Sendable {}

    private enum Phase {
        /// Nobody waits yet: candidates are kept until somebody does.
        case parking([any Channel])
        case waiting(Judge, Waiter)
        case accepted(target: String, holding: (any Channel)?)
        case closed
    }

    private struct State {
        var phase = Phase.parking([])
        var rejections = 0
    }

    private let state = Mutex(State())

    // MARK: What connections say

    func countRejection() {
        state.withLock { $0.rejections += 1 }
    }

    /// Decides on a GET on the redirect path. Called on the event loop only.
    func consider(
        _ target: String, from channel: any Channel, owner: () -> PeerOwner
    ) -> Reply {
        let judge: Judge
        switch recall(target, channel) {
        case .decided(let reply): return reply
        case .judge(let current): judge = current
        }
        guard judge(target) == .accepted else { return rejected(.badRequest) }
        guard owner().isAcceptable else { return rejected(.foreignUser) }
        return accept(target, channel)
    }

    private enum Recall {
        case decided(Reply)
        case judge(Judge)
    }

    private func recall(_ target: String, _ channel: any Channel) -> Recall {
        state.withLock { state in
            switch state.phase {
            case .parking(let channels):
                state.phase = .parking(channels.suffix(OpenConnections.max - 1) + [channel])
                return .decided(.park)
            case .waiting(let judge, _):
                return .judge(judge)
            case .accepted(let accepted, _) where accepted.isExactly(target):
                return .decided(.answer(.alreadyUsed))
            case .accepted, .closed:
                state.rejections += 1
                return .decided(.answer(.badRequest))
            }
        }
    }

    private func rejected(_ page: RedirectPage) -> Reply {
        countRejection()
        return .answer(page)
    }

    private func accept(_ target: String, _ channel: any Channel) -> Reply {
        let (waiter, rejections) = state.withLock { state -> (Waiter?, Int) in
            // The waiting task may have been cancelled while the judge was at work.
            guard case .waiting(_, let waiter) = state.phase else { return (nil, 0) }
            state.phase = .accepted(target: target, holding: channel)
            return (waiter, state.rejections)
        }
        guard let waiter else { return .answer(.badRequest) }
        waiter.resume(
            returning: .success(ReceivedRedirect(target: target, rejections: rejections)))
        return .hold
    }

    // MARK: What the sign-in says

    func wait(judge: @escaping Judge) async -> Result<ReceivedRedirect, RedirectError> {
        await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                begin(judge, waiter)
                if Task.isCancelled { stopWaiting(.cancelled) }
            }
        } onCancel: {
            stopWaiting(.cancelled)
        }
    }

    private func begin(_ judge: @escaping Judge, _ waiter: Waiter) {
        let parked = state.withLock { state -> [any Channel]? in
            guard case .parking(let channels) = state.phase else { return nil }
            state.phase = .waiting(judge, waiter)
            return channels
        }
        guard let parked else { return waiter.resume(returning: .failure(.closed)) }
        for channel in parked { channel.pipeline.fireUserInboundEventTriggered(JudgeEvent()) }
    }

    private func stopWaiting(_ error: RedirectError) {
        let waiter = state.withLock { state -> Waiter? in
            guard case .waiting(_, let waiter) = state.phase else { return nil }
            state.phase = .parking([])
            return waiter
        }
        waiter?.resume(returning: .failure(error))
    }

    /// The connection that waits for the outcome; given once.
    func takeHeld() -> (any Channel)? {
        state.withLock { state in
            guard case .accepted(let target, let channel?) = state.phase else { return nil }
            state.phase = .accepted(target: target, holding: nil)
            return channel
        }
    }

    /// - Returns: whether this call is the one that closed it.
    func close() -> Bool {
        let (isFirst, waiter) = state.withLock { state -> (Bool, Waiter?) in
            defer { state.phase = .closed }
            switch state.phase {
            case .closed: return (false, nil)
            case .waiting(_, let waiter): return (true, waiter)
            case .parking, .accepted: return (true, nil)
            }
        }
        waiter?.resume(returning: .failure(.closed))
        return isFirst
    }
}
