import AuthModels
import AuthSession
import AuthenticatedHTTP
import HTTPTypes
import InMemoryTracing
import Logging
import Telemetry

/// What a token and a call cost, with observability off and on.
@main
enum ObservabilityBenchmark {
    private static let rounds = 9
    private static let tokensPerRound = 200_000
    private static let callsPerRound = 20_000

    static func main() async throws {
        let tracer = InMemoryTracer(recordInjections: false, recordExtractions: false)
        let numbers = TraceContextTracer()
        let settings: [(name: String, observability: Observability)] = [
            ("off", .off),
            ("counters and timers", Observability(metrics: CountingMetrics())),
            ("traceparent", Observability(tracer: numbers)),
            ("both", Observability(metrics: CountingMetrics(), tracer: numbers)),
            ("both, spans kept", Observability(metrics: CountingMetrics(), tracer: tracer)),
        ]
        print("median of \(rounds) rounds, ns each: cachedToken | accessToken | API call")
        for (name, observability) in settings {
            let bench = try Bench(observability)
            _ = try await bench.service.accessToken()
            let cached = try await median(tokensPerRound) { bench.service.cachedToken(nil) != nil }
            let token = try await median(tokensPerRound) {
                try await bench.service.accessToken().generation == Generation(1)
            }
            let call = try await median(callsPerRound) {
                try await bench.client.send(bench.request).response.status == .ok
            } after: {
                tracer.clearFinishedSpans()
            }
            print("\(name): \(cached) | \(token) | \(call)")
        }
    }

    /// Nanoseconds of one operation, by the round in the middle. Rounds before the first warm up.
    private static func median(
        _ count: Int, _ operation: () async throws -> Bool, after: () -> Void = {}
    ) async throws -> Int64 {
        var times: [Int64] = []
        for round in -2..<rounds {
            let began = ContinuousClock.now
            for _ in 0..<count {
                guard try await operation() else { throw Failed() }
            }
            let took = began.duration(to: .now)
            if round >= 0 { times.append(Int64(took / .nanoseconds(count))) }
            after()
        }
        return times.sorted()[rounds / 2]
    }

    private struct Failed: Error {}
}

/// A signed-in service and its API client; the transport answers at once.
private struct Bench {
    let service: AuthService
    let client: APIClient
    let request: APIRequest

    init(_ observability: Observability) throws {
        let base = try WebURL("https://api.example")
        let clock = PlainClock()
        service = try AuthService(
            account: .default,
            ports: AuthPorts(
                store: try FixedStore(base: base, now: clock.now()), locks: NoLocks(),
                transport: InstantTransport(), clock: clock, random: PlainRandom()),
            logger: Logger(label: "benchmark"), observability: observability)
        client = APIClient(
            tokens: service, transport: InstantTransport(), apiBase: base, clock: clock,
            random: PlainRandom(), observability: observability)
        request = APIRequest(.get, try base.appending(path: "/me"))
    }
}

private struct InstantTransport: HTTPTransport {
    func send(_ exchange: HTTPExchange) async throws(TransportError) -> HTTPAnswer {
        HTTPAnswer(HTTPResponse(status: .ok))
    }
}
