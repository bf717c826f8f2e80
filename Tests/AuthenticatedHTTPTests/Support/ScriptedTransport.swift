import AuthModels
import HTTPTypes
import Synchronization
import Testing

/// Answers requests in the order of its script and records each; a request beyond the script is a
/// failed test.
final class ScriptedTransport: HTTPTransport {
    typealias Step = @Sendable (HTTPExchange) -> Result<HTTPAnswer, TransportError>

    private struct Content {
        var steps: ArraySlice<Step>
        var requests: [HTTPExchange] = []
    }

    private let content: Mutex<Content>

    init(_ steps: [Step]) {
        content = Mutex(Content(steps: steps[...]))
    }

    convenience init(_ answers: HTTPAnswer...) {
        self.init(answers.map { step(answering: $0) })
    }

    var requests: [HTTPExchange] { content.withLock { $0.requests } }

    /// Whether every step was used.
    var isSpent: Bool { content.withLock { $0.steps.isEmpty } }

    func send(_ exchange: HTTPExchange) async throws(TransportError) -> HTTPAnswer {
        let step = content.withLock { content in
            content.requests.append(exchange)
            return content.steps.popFirst()
        }
        guard let step else {
            let request = "\(exchange.request.method) \(exchange.request.path ?? "")"
            Issue.record("unexpected request: \(request)")
            throw .notSent("not in the script")
        }
        return try step(exchange).get()
    }
}

extension HTTPExchange {
    var bearer: String? { request.headerFields[.authorization] }
    var url: String {
        "\(request.scheme ?? "")://\(request.authority ?? "")\(request.path ?? "")"
    }
}

extension HTTPAnswer {
    static func status(
        _ status: Int, headers: HTTPFields = [:], body: String = ""
    ) -> HTTPAnswer {
        HTTPAnswer(
            HTTPResponse(status: .init(code: status), headerFields: headers),
            body: Array(body.utf8))
    }

    static func challenge(_ status: Int, _ lines: String...) -> HTTPAnswer {
        var headers = HTTPFields()
        headers[values: .wwwAuthenticate] = lines
        return .status(status, headers: headers)
    }

    static let ok = HTTPAnswer.status(200, body: "{}")
    static let invalidToken = HTTPAnswer.challenge(401, #"Bearer error="invalid_token""#)
}

/// A step that answers.
func step(answering answer: HTTPAnswer) -> ScriptedTransport.Step {
    { _ in .success(answer) }
}

/// A step that fails.
func step(failing error: TransportError) -> ScriptedTransport.Step {
    { _ in .failure(error) }
}
