import AuthModels
import AuthSession
import AuthenticatedHTTP
import FoundationEssentials
import HTTPTypes
import KSConnect
import Synchronization
import Testing

/// Answers the requests of a script, in its order and no others, to whoever has the current token.
final class ScriptedService: HTTPTransport, TokenSource {
    /// One request with its answer; the request line is compared as a whole.
    struct Step: Sendable {
        let line: String
        let answer: Result<HTTPAnswer, TransportError>
    }

    private struct Content {
        var steps: ArraySlice<Step>
        var requests: [HTTPExchange] = []
        var generation: Int64 = 1
    }

    private let content: Mutex<Content>
    private let record: SessionRecord

    init(base: String = "https://api.example", _ steps: [Step]) throws {
        content = Mutex(Content(steps: steps[...]))
        record = try .sample(api: base)
    }

    var requests: [HTTPExchange] { content.withLock { $0.requests } }
    var isSpent: Bool { content.withLock { $0.steps.isEmpty } }

    /// The API that calls this service.
    var api: KSConnectAPI {
        KSConnectAPI(
            http: APIClient(
                tokens: self, transport: self, apiBase: record.registration.apiBase,
                clock: StillClock(), random: NoRandom()))
    }

    func accessToken(_ need: TokenNeed?) async throws(AuthError) -> IssuedToken {
        let generation = content.withLock { content in
            if need?.newerThan == Generation(content.generation) { content.generation += 1 }
            return content.generation
        }
        guard let token = AccessToken("at-\(generation)") else { throw .loginRequired(.never) }
        var record = record
        record.generation = Generation(generation)
        return IssuedToken(access: token, record: record)
    }

    func send(_ exchange: HTTPExchange) async throws(TransportError) -> HTTPAnswer {
        let request = exchange.request
        let host = "\(request.scheme ?? "")://\(request.authority ?? "")"
        let line = "\(request.method) \(host)\(request.path ?? "")"
        let (step, generation) = content.withLock { content in
            content.requests.append(exchange)
            return (content.steps.popFirst(), content.generation)
        }
        #expect(request.headerFields[.authorization] == "Bearer at-\(generation)")
        guard let step, step.line == line else {
            Issue.record("unexpected \(line), the script has \(step?.line ?? "ended")")
            throw .notSent("not in the script")
        }
        return try step.answer.get()
    }
}

extension ScriptedService.Step {
    /// A GET with its answer.
    static func get(_ url: String, _ body: String, status: Int = 200) -> Self {
        Self(line: "GET \(url)", answer: .success(.status(status, body)))
    }

    static func patch(_ url: String, _ status: Int, _ body: String = "") -> Self {
        Self(line: "PATCH \(url)", answer: .success(.status(status, body)))
    }

    static func lost(_ line: String) -> Self {
        Self(line: line, answer: .failure(.answerLost("connection reset")))
    }
}

extension HTTPAnswer {
    static func status(_ status: Int, _ body: String = "") -> HTTPAnswer {
        HTTPAnswer(HTTPResponse(status: .init(code: status)), body: Array(body.utf8))
    }
}

private struct StillClock: AuthClock {
    func now() -> Moment {
        Moment(
            wall: Date(timeIntervalSince1970: 1_800_000_000), sinceBoot: .zero, bootID: "boot")
    }
    func sleep(for duration: Duration) async throws {}
}

private struct NoRandom: RandomSource {
    func bytes(_ count: Int) throws(RandomnessUnavailable) -> [UInt8] {
        throw RandomnessUnavailable(errno: 38)
    }
}

extension SessionRecord {
    /// A signed-in public client.
    static func sample(api: String) throws -> SessionRecord {
        SessionRecord(
            account: .default, id: SessionID(random: [1, 2, 3]), generation: Generation(1),
            registration: try ClientRegistration(
                clientID: "client",
                profile: Profile(name: "test", issuer: "https://id.example", apiBase: api)),
            endpoints: PinnedEndpoints(
                authorization: try WebURL("https://id.example/authorize"),
                token: try WebURL("https://id.example/token")),
            identity: nil, grantedScope: Scope(),
            expiry: TokenExpiry(
                obtained: Moment(
                    wall: Date(timeIntervalSince1970: 0), sinceBoot: .zero, bootID: "boot"),
                lifetime: nil),
            hasRefreshToken: true, hasIDToken: false)
    }
}
