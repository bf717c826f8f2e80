internal import AsyncHTTPClient
internal import AuthModels
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// Hands one answer on, chunk by chunk: the library reads no further until a chunk was taken.
final class AnswerRelay: SendingWitness {
    private struct State {
        var mayHaveArrived = false
        var head: HTTPResponse?
        var bytesLeft: Int
        /// What is to come of an answer that came before the whole request had left: the library
        /// goes on waiting for the request's end, so that the answer's is noticed here.
        var early: (bytesLeft: Int64, isWhole: Bool)?
    }

    /// How long the rest of an early answer is waited for where no length announces it.
    private static let earlyAnswerPatience: TimeAmount = .seconds(1)

    private let receive: @Sendable (HTTPResponse, [UInt8]) async throws -> Void
    private let state: Mutex<State>
    private let bytesMax: Int
    private let work: TransferWork

    init(
        bytesMax: Int, work: TransferWork,
        receive: @escaping @Sendable (HTTPResponse, [UInt8]) async throws -> Void
    ) {
        self.bytesMax = bytesMax
        self.work = work
        self.receive = receive
        state = Mutex(State(bytesLeft: bytesMax))
    }

    var mayHaveArrived: Bool { state.withLock { $0.mayHaveArrived } }

    /// The head of a refusal (3xx to 5xx) that came before the whole request had left, once its body
    /// was handed on. The connection is closed.
    var earlyAnswer: HTTPResponse? {
        state.withLock { $0.early?.isWhole == true ? $0.head : nil }
    }

    func didSendRequestHead(task: HTTPClient.Task<HTTPResponse>, _ head: HTTPRequestHead) {
        state.withLock { $0.mayHaveArrived = true }
    }

    func didSendRequestPart(task: HTTPClient.Task<HTTPResponse>, _ part: IOData) {
        work.partWasSent()
    }

    func didReceiveHead(
        task: HTTPClient.Task<HTTPResponse>, _ head: HTTPResponseHead
    ) -> EventLoopFuture<Void> {
        do throws(TransportError) {
            let response = try AnswerHead.response(head)
            state.withLock { state in
                state.mayHaveArrived = true
                state.head = response
            }
        } catch {
            return AnswerHead.future(on: task.eventLoop, error)
        }
        if let fault = AnswerHead.fault(in: head, bytesMax: bytesMax) {
            return AnswerHead.future(on: task.eventLoop, fault)
        }
        if head.status.code >= 300, work.uploadIsRefused() { awaitEnd(of: head, task) }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    private func awaitEnd(of head: HTTPResponseHead, _ task: HTTPClient.Task<HTTPResponse>) {
        // A length speaks of the bytes on the wire, which are others where they are inflated.
        let length =
            head.headers.contains(name: "content-encoding")
            ? nil : head.headers.first(name: "content-length").flatMap { Int64($0) }
        let bytesLeft = head.status == .notModified ? 0 : length ?? .max
        state.withLock { $0.early = (bytesLeft, false) }
        noteEarly(bytes: 0, task)
        guard bytesLeft == .max else { return }
        task.eventLoop.scheduleTask(in: Self.earlyAnswerPatience) { self.endEarly(task) }
    }

    private func noteEarly(bytes: Int, _ task: HTTPClient.Task<HTTPResponse>) {
        let isWhole = state.withLock { state in
            state.early?.bytesLeft -= Int64(bytes)
            return state.early.map { $0.bytesLeft <= 0 } ?? false
        }
        if isWhole { endEarly(task) }
    }

    private func endEarly(_ task: HTTPClient.Task<HTTPResponse>) {
        state.withLock { $0.early?.isWhole = true }
        task.fail(reason: TransportError.cancelled)
    }

    func didReceiveBodyPart(
        task: HTTPClient.Task<HTTPResponse>, _ buffer: ByteBuffer
    ) -> EventLoopFuture<Void> {
        let head = state.withLock { state -> HTTPResponse? in
            guard buffer.readableBytes <= state.bytesLeft else { return nil }
            state.bytesLeft -= buffer.readableBytes
            return state.head
        }
        guard let head else { return AnswerHead.future(on: task.eventLoop, .responseTooLarge) }
        let receive = receive
        let bytes = buffer.readableBytes
        return work.run(.download, on: task.eventLoop) {
            do {
                try await receive(head, Array(buffer.readableBytesView))
            } catch {
                throw TransportError.cancelled
            }
        }.map { self.noteEarly(bytes: bytes, task) }
    }

    func didFinishRequest(task: HTTPClient.Task<HTTPResponse>) throws -> HTTPResponse {
        guard let head = state.withLock({ $0.head }) else {
            throw TransportError.answerLost("no answer came")
        }
        return head
    }
}
