import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// One port of Hummingbird's: turns its requests into the provider's and back.
struct Listener: Sendable {
    /// The largest request body taken, in bytes.
    static let requestBodyBytesMax = 64 * 1024

    let switchboard: Switchboard

    /// Carries the channel, which the faults close.
    struct Context: RequestContext {
        var coreContext: CoreRequestContextStorage
        let channel: any Channel

        init(source: ApplicationRequestContextSource) {
            coreContext = .init(source: source)
            channel = source.channel
        }
    }

    /// Listens on 127.0.0.1 until its task is cancelled; `onReady` gets the port.
    func run(port: Int, onReady: @escaping @Sendable (Int) -> Void) async throws {
        let responder = CallbackResponder<Context> { request, context in
            try await respond(to: request, on: context.channel)
        }
        let application = Application(
            responder: responder,
            configuration: ApplicationConfiguration(
                address: .hostname("127.0.0.1", port: port), serverName: nil),
            onServerRunning: { channel in onReady(channel.localAddress?.port ?? port) },
            logger: Logger(label: "demo-provider", factory: { _ in SwiftLogNoOpLogHandler() }))
        try await application.run()
    }

    private func respond(to request: Request, on channel: any Channel) async throws -> Response {
        guard let body = try? await request.body.collect(upTo: Self.requestBodyBytesMax) else {
            return Response(status: .contentTooLarge)
        }
        let target = request.head.path ?? "/"
        let path = target.prefix { $0 != "?" }
        let answer = await switchboard.answer(
            WebRequest(
                method: request.method.rawValue, path: String(path),
                query: String(target.dropFirst(path.count + 1)), headers: request.headers,
                body: Array(body.readableBytesView)))
        return response(for: answer, on: channel)
    }

    private func response(for answer: WebAnswer, on channel: any Channel) -> Response {
        var headers = HTTPFields()
        for (name, value) in answer.headers {
            if let name = HTTPField.Name(name) {
                headers.append(HTTPField(name: name, value: value))
            }
        }
        let status = HTTPResponse.Status(code: answer.status)
        switch answer.delivery {
        case .whole:
            return Response(
                status: status, headers: headers,
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.body)))
        case .half:
            let half = ByteBuffer(bytes: answer.body.prefix(answer.body.count / 2))
            return Response(
                status: status, headers: headers,
                body: ResponseBody(contentLength: answer.body.count) { writer in
                    try await writer.write(half)
                    throw CutOff()
                })
        case .dropped:
            // Closed before Hummingbird writes a head: the other side sees the end and no byte.
            channel.close(mode: .all, promise: nil)
            return Response(status: status)
        }
    }

    /// Thrown to make Hummingbird close a connection in the middle of an answer.
    private struct CutOff: Error {}
}
