import AuthModels
import AuthenticatedHTTP
import HTTPTypes
import Telemetry

/// One client with its fakes.
struct Bench {
    let session: FakeSession
    let transport: ScriptedTransport
    let clock = ManualClock()
    let client: APIClient

    init(
        _ transport: ScriptedTransport, base: String = "https://api.example",
        record: SessionRecord? = nil, generation: Int64 = 1, policy: RetryPolicy = RetryPolicy(),
        budget: RetryBudget = RetryBudget(), dpopKey: DPoPKey? = nil,
        random: any RandomSource = ConstantRandom(), observability: Observability = .off
    ) throws {
        self.transport = transport
        session = FakeSession(
            generation: generation, record: try record ?? SessionRecord.sample(api: base),
            dpopKey: dpopKey)
        client = APIClient(
            tokens: session, transport: transport, apiBase: try WebURL(base), clock: clock,
            random: random, policy: policy, budget: budget, observability: observability)
    }

    func get(_ path: String = "/me") async throws -> HTTPAnswer {
        try await client.send(.get, client.url(path))
    }

    func send(
        _ method: HTTPRequest.Method, body: APIBody = .none, headers: HTTPFields = [:]
    ) async throws -> HTTPAnswer {
        try await client.send(
            APIRequest(method, client.url("/me"), headers: headers, body: body))
    }
}
