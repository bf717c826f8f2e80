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
        var isUploading = false
        var isRefused = false
        /// The end of a body that nobody wants: kept until the transfer is over.
        var heldBack: [EventLoopPromise<Void>] = []
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

    func uploadBegins() { state.withLock { $0.isUploading = true } }

    /// On the event loop, with the last part at hand.
    ///
    /// - Returns: nil where it may be sent; else what stands for its end. To end a body that the
    ///   peer has refused would be an error to the library, or pass a part off as the whole.
    func uploadEnds(on eventLoop: any EventLoop) -> EventLoopFuture<Void>? {
        state.withLock { state in
            state.isUploading = false
            guard state.isRefused, !state.isOver else { return nil }
            let promise = eventLoop.makePromise(of: Void.self)
            state.heldBack.append(promise)
            return promise.futureResult
        }
    }

    /// On the event loop: the peer has answered, and will not take what is left of the body.
    ///
    /// - Returns: false where all of it has left.
    func uploadIsRefused() -> Bool {
        state.withLock { state in
            state.isRefused = state.isUploading
            return state.isRefused
        }
    }

    /// Whether it ended because the deadline passed.
    var isOverdue: Bool { state.withLock { $0.isOverdue } }

    func end(isOverdue: Bool = false) {
        let (running, heldBack) = state.withLock { state in
            if !state.isOver { state.isOverdue = isOverdue }
            state.isOver = true
            defer { state.heldBack = [] }
            return (state.running.values, state.heldBack)
        }
        for task in running { task.cancel() }
        for promise in heldBack { promise.fail(TransportError.cancelled) }
    }
}
