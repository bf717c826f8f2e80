internal import AsyncHTTPClient
internal import AuthModels
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// Gathers one answer under a cap and remembers whether the request may have left.
///
/// The library calls it on the connection's event loop: the head is reported as sent in the very
/// tick in which it is written, so no error can be seen between the two.
final class AnswerCollector: SendingWitness {
    private struct State {
        var mayHaveArrived = false
        var head: HTTPResponseHead?
        var body: [UInt8] = []
    }

    private let bytesMax: Int
    /// What the head may announce; an answer to HEAD announces a body that does not come.
    private let announcedMax: Int
    private let state = Mutex(State())

    init(bytesMax: Int, hasBody: Bool = true) {
        self.bytesMax = bytesMax
        announcedMax = hasBody ? bytesMax : .max
    }

    var mayHaveArrived: Bool { state.withLock { $0.mayHaveArrived } }

    func didSendRequestHead(task: HTTPClient.Task<HTTPAnswer>, _ head: HTTPRequestHead) {
        state.withLock { $0.mayHaveArrived = true }
    }

    func didReceiveHead(
        task: HTTPClient.Task<HTTPAnswer>, _ head: HTTPResponseHead
    ) -> EventLoopFuture<Void> {
        let fault = AnswerHead.fault(in: head, bytesMax: announcedMax)
        state.withLock { state in
            state.mayHaveArrived = true
            state.head = head
        }
        return AnswerHead.future(on: task.eventLoop, fault)
    }

    func didReceiveBodyPart(
        task: HTTPClient.Task<HTTPAnswer>, _ buffer: ByteBuffer
    ) -> EventLoopFuture<Void> {
        let fits = state.withLock { state in
            guard buffer.readableBytes <= bytesMax - state.body.count else { return false }
            state.body.append(contentsOf: buffer.readableBytesView)
            return true
        }
        return AnswerHead.future(on: task.eventLoop, fits ? nil : .responseTooLarge)
    }

    func didFinishRequest(task: HTTPClient.Task<HTTPAnswer>) throws -> HTTPAnswer {
        let state = state.withLock { $0 }
        guard let head = state.head else { throw TransportError.answerLost("no answer came") }
        return HTTPAnswer(try AnswerHead.response(head), body: state.body)
    }
}
