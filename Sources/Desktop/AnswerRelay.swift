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
    }

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
        return AnswerHead.future(
            on: task.eventLoop, AnswerHead.fault(in: head, bytesMax: bytesMax))
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
        return work.run(.download, on: task.eventLoop) {
            do {
                try await receive(head, Array(buffer.readableBytesView))
            } catch {
                throw TransportError.cancelled
            }
        }
    }

    func didFinishRequest(task: HTTPClient.Task<HTTPResponse>) throws -> HTTPResponse {
        guard let head = state.withLock({ $0.head }) else {
            throw TransportError.answerLost("no answer came")
        }
        return head
    }
}
