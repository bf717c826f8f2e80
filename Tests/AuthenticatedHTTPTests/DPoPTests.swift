import AuthModels
import AuthSession
import AuthenticatedHTTP
import FoundationEssentials
import HTTPTypes
import Synchronization
import Testing

@testable import OpenIDConnect

@Suite("Calls with a token bound to a key")
struct DPoPCallTests {
    private static func nonce(_ answer: HTTPAnswer, _ nonce: String?) -> HTTPAnswer {
        var answer = answer
        if let name = HTTPField.Name("DPoP-Nonce"), let nonce {
            answer.response.headerFields[name] = nonce
        }
        return answer
    }

    private static func challenge(_ nonce: String?, scheme: String = "DPoP") -> HTTPAnswer {
        Self.nonce(.challenge(401, #"\#(scheme) error="use_dpop_nonce""#), nonce)
    }

    private static let expired = HTTPAnswer.challenge(401, #"DPoP error="invalid_token""#)

    private func bench(
        _ transport: ScriptedTransport, userInfo: String? = nil
    ) throws -> Bench {
        var record = try SessionRecord.sample(userInfo: userInfo, subject: "person-1")
        record.registration.usesDPoP = true
        let key = try #require(DPoPKey(SecretBytes([UInt8](repeating: 0x5A, count: 32))))
        return try Bench(transport, record: record, dpopKey: key, random: CountingRandom())
    }

    private func claims(_ bench: Bench) throws -> [JSONValue] {
        try bench.transport.requests.map { try claims(of: $0) }
    }

    private func claims(of exchange: HTTPExchange) throws -> JSONValue {
        let name = try #require(HTTPField.Name("DPoP"))
        let values = exchange.request.headerFields[values: name]
        #expect(values.count == 1)
        let parts = try #require(values.first).split(separator: ".")
        let header = try JSONDocument.parse(try #require(Base64URL.decode(parts[0].utf8)))
        let key = try #require(header["jwk"].flatMap { JSONWebKey($0) })
        let signature = try #require(Base64URL.decode(parts[2].utf8))
        #expect(key.key.isValid(signature, over: Array("\(parts[0]).\(parts[1])".utf8), .es256))
        return try JSONDocument.parse(try #require(Base64URL.decode(parts[1].utf8)))
    }

    @Test("A call has the token in the scheme DPoP and a proof for this very request and token")
    func call() async throws {
        let bench = try bench(ScriptedTransport(.ok))
        _ = try await bench.get("/sites?$top=3")
        #expect(bench.transport.requests.map(\.bearer) == ["DPoP at-1"])
        let claims = try #require(try claims(bench).first)
        #expect(claims["htm"] == .string("GET"))
        #expect(claims["htu"] == .string("https://api.example/sites"))
        #expect(claims["ath"] == .string("R8PYaIQdcYEdkSc9TeGyiUqSAedmCQuOQImPRh1E3HI"))
        #expect(claims["nonce"] == nil && claims["iat"]?.number?.text == "1800000000")
    }

    @Test(
        "Case 85: a 401 that wants a nonce is repeated once with it and a new proof, not a new token",
        arguments: ["DPoP", "dPoP", "Basic realm=\"x\", dpop"])
    func challenged(_ scheme: String) async throws {
        let bench = try bench(ScriptedTransport(Self.challenge("n-1", scheme: scheme), .ok))
        #expect(try await bench.get().response.status == .ok)
        #expect(bench.session.refreshes == 0)
        let claims = try claims(bench)
        #expect(claims.map { $0["nonce"]?.string } == [nil, "n-1"])
        #expect(Set(claims.map { $0["jti"]?.string }).count == 2)
    }

    @Test("Case 85: POST and PATCH are repeated too, since nothing was carried out")
    func notIdempotent() async throws {
        for method in [HTTPRequest.Method.post, .patch] {
            let bench = try bench(ScriptedTransport(Self.challenge("n-1"), .ok))
            _ = try await bench.send(method, body: .bytes([1, 2]))
            #expect(bench.transport.requests.map(\.body) == [[1, 2], [1, 2]])
        }
    }

    @Test("Case 82: a body that can be sent once only is not repeated for a nonce")
    func oneShot() async throws {
        let bench = try bench(ScriptedTransport(Self.challenge("n-1")))
        let stream = OneShotBody(AsyncStream<[UInt8]> { $0.finish() })
        await #expect(throws: AuthError.bodyNotRepeatable) {
            try await bench.send(.post, body: .stream(stream))
        }
        #expect(bench.transport.requests.count == 1)
    }

    @Test(
        "Case 85: the nonce of a success is used by the next call, of this client and its siblings")
    func nonceInSuccess() async throws {
        let bench = try bench(ScriptedTransport(Self.nonce(.ok, "n-7"), .ok))
        _ = try await bench.get()
        _ = try await bench.get()
        #expect(try claims(bench).map { $0["nonce"]?.string } == [nil, "n-7"])
    }

    @Test(
        "Case 85: an API that always wants another nonce ends in an error after two requests",
        arguments: ["n-1", nil, "a b", String(repeating: "n", count: 1025)])
    func always(_ nonce: String?) async throws {
        let transport = ScriptedTransport(
            Array(repeating: step(answering: Self.challenge(nonce)), count: 2))
        let bench = try bench(transport)
        let error = await #expect(throws: AuthError.self) { try await bench.get() }
        #expect(error?.kind == "protocolFailure")
        #expect(transport.requests.count == (nonce == "n-1" ? 2 : 1))
        #expect(bench.session.refreshes == 0, "the token was not what was refused")
    }

    @Test(
        "Case 85: a 401 for the token after one for the nonce still has its refresh and its retry")
    func nonceThenToken() async throws {
        let bench = try bench(
            ScriptedTransport(
                Self.challenge("n-1"), Self.nonce(Self.expired, "n-2"), Self.challenge("n-3"), .ok))
        #expect(try await bench.get().response.status == .ok)
        #expect(
            bench.transport.requests.map(\.bearer)
                == ["DPoP at-1", "DPoP at-1", "DPoP at-2", "DPoP at-2"])
        #expect(bench.session.refreshes == 1)
        let claims = try claims(bench)
        #expect(claims.map { $0["nonce"]?.string } == [nil, "n-1", "n-2", "n-3"])
        #expect(Set(claims.map { $0["ath"]?.string }).count == 2)
    }

    @Test("A proof that is called invalid is an error at once: no other token would mend it")
    func invalidProof() async throws {
        let bench = try bench(
            ScriptedTransport(.challenge(401, #"DPoP error="invalid_dpop_proof", algs="ES256""#)))
        let error = await #expect(throws: AuthError.self) { try await bench.get() }
        #expect(error?.kind == "protocolFailure" && bench.session.refreshes == 0)
    }

    @Test(
        "Case 82: a file goes out again whole after a 401 for the nonce, whose body is not handed on"
    )
    func chunks() async throws {
        let path = "/tmp/ksconnect-dpop-\(UUID())"
        let bytes = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try Data(bytes).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        let transport = ChunkedAnswers([Self.challenge("n-1"), .status(200, body: "taken")])
        let bench = try bench(ScriptedTransport())
        let client = APIClient(
            tokens: bench.session, transport: transport,
            apiBase: try WebURL("https://api.example"), clock: bench.clock,
            random: CountingRandom())
        let received = Mutex<[UInt8]>([])
        _ = try await client.download(APIRequest(.put, client.url("/f"), body: .file(path: path))) {
            chunk in received.withLock { $0 += chunk }
        }
        #expect(transport.uploads == [bytes, bytes])
        #expect(received.withLock { $0 } == Array("taken".utf8))
        let claims = try transport.exchanges.map { try self.claims(of: $0) }
        #expect(claims.map { $0["nonce"]?.string } == [nil, "n-1"])
        #expect(Set(claims.map { $0["jti"]?.string }).count == 2)
    }

    @Test("Case 77: 401 for ever is still two requests, one refresh and an error")
    func forEver() async throws {
        let bench = try bench(ScriptedTransport(Self.expired, Self.expired))
        await #expect(throws: AuthError.unauthorizedAfterRefresh) { try await bench.get() }
        #expect(bench.session.refreshes == 1)
    }

    @Test("Each repeat after an outage has a proof of its own, at its own time")
    func outage() async throws {
        let bench = try bench(ScriptedTransport(.status(503), .status(502), .ok))
        _ = try await bench.get()
        let claims = try claims(bench)
        #expect(Set(claims.map { $0["jti"]?.string }).count == 3)
        let waited = bench.clock.sleeps.reduce(Duration.zero, +)
        let last = try #require(claims.last?["iat"]?.number?.integer)
        #expect(last == 1_800_000_000 + waited.components.seconds)
    }

    @Test("Case 85: API and provider have a nonce each; userinfo is proven as well")
    func twoOrigins() async throws {
        let person = HTTPAnswer.status(200, body: #"{"sub":"person-1"}"#)
        let bench = try bench(
            ScriptedTransport(
                Self.nonce(.ok, "api-1"), Self.challenge("id-1"), Self.nonce(person, "id-2"), .ok,
                person),
            userInfo: "https://id.example/userinfo")
        _ = try await bench.get()
        _ = try await bench.client.userInfo()
        _ = try await bench.get()
        _ = try await bench.client.userInfo()
        #expect(
            try claims(bench).map { $0["nonce"]?.string } == [nil, nil, "id-1", "api-1", "id-2"])
        #expect(bench.transport.requests.allSatisfy { $0.bearer == "DPoP at-1" })
    }

    @Test("Case 83: a redirect is followed with neither the token nor a proof")
    func redirect() async throws {
        for target in ["https://evil.example/", "http://api.example/", "https://api.example:8443/"]
        {
            let bench = try bench(
                ScriptedTransport(
                    Self.nonce(.status(307, headers: [.location: target]), "n-1")))
            #expect(try await bench.get().response.status.code == 307)
            #expect(bench.transport.requests.map(\.url) == ["https://api.example/me"])
        }
    }

    @Test("A bound token is never sent as a bearer token, nor a bearer token with a proof")
    func neverMixed() async throws {
        var bound = try SessionRecord.sample()
        bound.registration.usesDPoP = true
        let key = try #require(DPoPKey(SecretBytes([UInt8](repeating: 0x5A, count: 32))))
        for (record, key) in [(bound, nil), (try SessionRecord.sample(), key)] {
            let bench = try Bench(ScriptedTransport(), record: record, dpopKey: key)
            let error = await #expect(throws: AuthError.self) { try await bench.get() }
            #expect(error?.kind == "storeCorrupt")
            #expect(bench.transport.requests.isEmpty)
        }
    }

    @Test("A bearer token is sent without a proof, also where the caller or a 401 brings one in")
    func bearer() async throws {
        let bench = try Bench(ScriptedTransport(Self.challenge("n-1"), .ok))
        let name = try #require(HTTPField.Name("DPoP"))
        _ = try await bench.send(.get, headers: [name: "forged"])
        #expect(bench.transport.requests.allSatisfy { $0.request.headerFields[name] == nil })
        #expect(bench.session.refreshes == 1, "a 401 like any other")
    }

    @Test("Without randomness nothing is sent")
    func noRandomness() async throws {
        var record = try SessionRecord.sample()
        record.registration.usesDPoP = true
        let key = try #require(DPoPKey(SecretBytes([UInt8](repeating: 0x5A, count: 32))))
        let bench = try Bench(
            ScriptedTransport(), record: record, dpopKey: key, random: NoRandom())
        await #expect(throws: AuthError.randomnessUnavailable) { try await bench.get() }
    }
}

/// Different bytes each time, the same in every run.
private final class CountingRandom: RandomSource {
    private let count = Mutex<UInt8>(0)

    func bytes(_ count: Int) throws(RandomnessUnavailable) -> [UInt8] {
        let start = self.count.withLock { number in
            number &+= 1
            return number
        }
        return [UInt8](repeating: start, count: count)
    }
}

/// Takes bodies in chunks and answers in the order given, each answer's body in one chunk.
private final class ChunkedAnswers: StreamingHTTPTransport {
    private struct Content {
        var answers: ArraySlice<HTTPAnswer>
        var exchanges: [HTTPExchange] = []
        var uploads: [[UInt8]] = []
    }

    private let content: Mutex<Content>

    init(_ answers: [HTTPAnswer]) { content = Mutex(Content(answers: answers[...])) }

    var exchanges: [HTTPExchange] { content.withLock { $0.exchanges } }
    var uploads: [[UInt8]] { content.withLock { $0.uploads } }

    func send(_ exchange: HTTPExchange) async throws(TransportError) -> HTTPAnswer {
        throw .notSent("it was to be streamed")
    }

    func stream(
        _ exchange: HTTPExchange, upload: HTTPUpload?,
        receive: @escaping @Sendable (HTTPResponse, [UInt8]) async throws -> Void
    ) async throws(TransportError) -> HTTPResponse {
        do {
            var body: [UInt8] = []
            while let chunk = try await upload?.next() { body += chunk }
            let answer = content.withLock { [body] content in
                content.exchanges.append(exchange)
                content.uploads.append(body)
                return content.answers.popFirst()
            }
            guard let answer else { throw TransportError.notSent("not in the script") }
            try await receive(answer.response, answer.body)
            return answer.response
        } catch {
            throw .cancelled
        }
    }
}

private struct NoRandom: RandomSource {
    func bytes(_ count: Int) throws(RandomnessUnavailable) -> [UInt8] {
        throw RandomnessUnavailable(errno: 38)
    }
}
