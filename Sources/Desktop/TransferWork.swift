internal import AuthModels
internal import NIOCore
internal import Synchronization

/// The caller's own code that one transfer runs: what gives its chunks and what takes them. It ends
/// with the transfer, however that ends; it is cancelled and not waited for, so that code which does
/// not listen cannot hold a deadline up.
final class TransferWork: Sendable {
    enum Direction: Hashable {
        case upload
        case download
    }

    private struct State {
        var isOver = false
        var isOverdue = false
        /// One at a time in each direction: the next chunk waits for the one before.
        var running: [Direction: Task<Void, Never>] = [:]
    }

    private let state = Mutex(State())
    private let (sentParts, sent) = AsyncStream.makeStream(of: Void.self)

    /// A part of the upload has gone to the kernel.
    func partWasSent() { sent.yield() }

    /// Waits until a part has gone. The library's own sign, the future of the write, is never
    /// completed where the request fails meanwhile.
    func waitForSentPart() async throws(TransportError) {
        for await _ in sentParts { return }
        throw .cancelled
    }

    func run<Result: Sendable>(
        _ direction: Direction, on eventLoop: any EventLoop,
        _ body: @escaping @Sendable () async throws -> Result
    ) -> EventLoopFuture<Result> {
        let promise = eventLoop.makePromise(of: Result.self)
        let task = promise.completeWithTask(body)
        let isOver = state.withLock { state in
            state.running[direction] = task
            return state.isOver
        }
        if isOver { task.cancel() }
        return promise.futureResult
    }

    /// Whether it ended because the deadline passed.
    var isOverdue: Bool { state.withLock { $0.isOverdue } }

    func end(isOverdue: Bool = false) {
        let running = state.withLock { state in
            if !state.isOver { state.isOverdue = isOverdue }
            state.isOver = true
            return state.running.values
        }
        for task in running { task.cancel() }
    }
}
