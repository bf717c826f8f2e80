import AuthModels
import FoundationEssentials
import HTTPTypes
import OpenIDConnect
import Synchronization
import Testing

/// A provider with one-time refresh tokens `rt-1`, `rt-2`…: a used one that comes back ends the
/// family. Two refreshes in flight at once are a failed test (oracle G2), and so is a request that
/// a provider does not know.
final class RotatingProvider: HTTPTransport {
    /// What becomes of one token request.
    enum Behaviour: Sendable {
        case rotate
        /// Does what it should; the answer is lost.
        case rotateAndLose
        /// The request never arrives, and nobody can know.
        case loseRequest
        case answer(HTTPAnswer)
        case fail(TransportError)
        /// Runs something first, then does the next.
        indirect case after(@Sendable () async -> Void, Behaviour)
        /// Rotates and adds members to the answer (`"id_token":"…"`).
        case rotateAdding(String)
    }

    private struct Content {
        var generation = 1
        var isFamilyDead = false
        var inFlight = 0
        var refreshes: [String] = []
        var proofs: [String?] = []
        var exchanges: [[String: String]] = []
        var revoked: [String] = []
        var others: [String] = []
        var behaviours: [Behaviour] = []
        var lasting: Behaviour = .rotate
        var revocationAnswer = HTTPAnswer.status(200)
        var keys: Result<HTTPAnswer, TransportError> = .failure(.notSent("no keys"))
        var lifetime = 3600
        var tokenType = "Bearer"
    }

    private let content = Mutex(Content())

    // MARK: What the test sets

    /// The next token requests go so; those after them as ``lasting``.
    func next(_ behaviours: Behaviour...) { content.withLock { $0.behaviours += behaviours } }
    func always(_ behaviour: Behaviour) { content.withLock { $0.lasting = behaviour } }
    func answerRevocations(_ answer: HTTPAnswer) {
        content.withLock { $0.revocationAnswer = answer }
    }
    func publish(keys: Result<HTTPAnswer, TransportError>) { content.withLock { $0.keys = keys } }
    func setLifetime(_ seconds: Int) { content.withLock { $0.lifetime = seconds } }

    func give(tokenType: String) { content.withLock { $0.tokenType = tokenType } }

    // MARK: What the test looks at

    /// The DPoP field of each token request.
    var proofs: [String?] { content.withLock { $0.proofs } }

    /// The refresh tokens received, in order.
    var refreshes: [String] { content.withLock { $0.refreshes } }
    /// The forms of the code exchanges.
    var exchanges: [[String: String]] { content.withLock { $0.exchanges } }
    var revoked: [String] { content.withLock { $0.revoked } }
    /// Paths of all other requests.
    var others: [String] { content.withLock { $0.others } }
    var requestCount: Int {
        content.withLock {
            $0.refreshes.count + $0.exchanges.count + $0.revoked.count + $0.others.count
        }
    }

    // MARK: HTTP

    func send(_ exchange: HTTPExchange) async throws(TransportError) -> HTTPAnswer {
        let path = exchange.request.path ?? ""
        #expect(exchange.request.authority == "id.example")
        switch (exchange.request.method, path) {
        case (.post, "/token"): return try await token(exchange)
        case (.post, "/revoke"):
            let form = Self.form(exchange.body)
            return content.withLock { content in
                content.revoked.append(form["token"] ?? "")
                return content.revocationAnswer
            }
        case (.get, "/.well-known/openid-configuration"):
            content.withLock { $0.others.append(path) }
            return .status(200, Self.metadata)
        case (.get, "/jwks"):
            let keys = content.withLock { content in
                content.others.append(path)
                return content.keys
            }
            return try keys.get()
        default:
            Issue.record("unexpected \(exchange.request.method) \(path)")
            throw .notSent("no such endpoint")
        }
    }

    private func token(_ exchange: HTTPExchange) async throws(TransportError) -> HTTPAnswer {
        let form = Self.form(exchange.body)
        let isRefresh = form["grant_type"] == "refresh_token"
        let (behaviour, inFlight) = content.withLock { content in
            if isRefresh {
                content.refreshes.append(form["refresh_token"] ?? "")
            } else {
                content.exchanges.append(form)
            }
            content.proofs.append(
                HTTPField.Name("DPoP").flatMap { exchange.request.headerFields[$0] })
            content.inFlight += 1
            let next = content.behaviours.isEmpty ? nil : content.behaviours.removeFirst()
            return (next ?? content.lasting, content.inFlight)
        }
        #expect(inFlight == 1, "two token requests are in flight")
        defer { content.withLock { $0.inFlight -= 1 } }
        return try await run(behaviour, isRefresh ? form["refresh_token"] : nil)
    }

    private func run(
        _ behaviour: Behaviour, _ refreshToken: String?
    ) async throws(TransportError) -> HTTPAnswer {
        switch behaviour {
        case .rotate: return rotate(refreshToken, adding: nil)
        case .rotateAdding(let members): return rotate(refreshToken, adding: members)
        case .rotateAndLose:
            _ = rotate(refreshToken, adding: nil)
            throw .answerLost("connection reset")
        case .loseRequest: throw .answerLost("connection reset")
        case .answer(let answer): return answer
        case .fail(let error): throw error
        case .after(let first, let behaviour):
            await first()
            return try await run(behaviour, refreshToken)
        }
    }

    private func rotate(_ refreshToken: String?, adding members: String?) -> HTTPAnswer {
        content.withLock { content in
            if let refreshToken {
                if refreshToken != "rt-\(content.generation)" { content.isFamilyDead = true }
                if content.isFamilyDead {
                    return .status(400, #"{"error":"invalid_grant"}"#)
                }
                content.generation += 1
            }
            let extra = members.map { "," + $0 } ?? ""
            return .status(
                200,
                """
                {"access_token":"at-\(content.generation)","token_type":"\(content.tokenType)",
                 "refresh_token":"rt-\(content.generation)",
                 "expires_in":\(content.lifetime)\(extra)}
                """)
        }
    }

    private static func form(_ body: [UInt8]) -> [String: String] {
        var form: [String: String] = [:]
        for pair in String(decoding: body, as: UTF8.self).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            #expect(parts.count == 2)
            let name = FormCoder.decode(String(parts[0])) ?? ""
            #expect(form[name] == nil, "\(name) is there twice")
            form[name] = FormCoder.decode(parts.count == 2 ? String(parts[1]) : "")
        }
        return form
    }

    private static let metadata = """
        {"issuer":"https://id.example","authorization_endpoint":"https://id.example/authorize",
         "token_endpoint":"https://id.example/token","jwks_uri":"https://id.example/jwks",
         "revocation_endpoint":"https://id.example/revoke",
         "id_token_signing_alg_values_supported":["ES256"]}
        """
}

extension HTTPAnswer {
    static func status(
        _ status: Int, _ body: String = "", headers: HTTPFields = [:]
    ) -> HTTPAnswer {
        HTTPAnswer(
            HTTPResponse(status: .init(code: status), headerFields: headers),
            body: Array(body.utf8))
    }
}
