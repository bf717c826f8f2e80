import AuthModels
import AuthSession
import AuthenticatedHTTP
import HTTPTypes
import InMemoryTracing
import MetricsTestKit
import Synchronization
import Telemetry
import Testing
import Tracing

@Suite("Calls are counted and traced")
struct ObservabilityTests {
    private let metrics = TestMetrics()
    private let tracer = InMemoryTracer()

    private func counted(
        _ transport: ScriptedTransport, policy: RetryPolicy = RetryPolicy(),
        budget: RetryBudget = RetryBudget()
    ) throws -> Bench {
        try Bench(
            transport, policy: policy, budget: budget,
            observability: Observability(metrics: metrics))
    }

    private func traced(_ transport: ScriptedTransport) throws -> Bench {
        try Bench(transport, observability: Observability(tracer: tracer))
    }

    private func calls(_ method: String, _ status: String, _ outcome: String) -> Int64 {
        metrics.total(
            .apiCalls, ("method", method), ("status", status), ("outcome", outcome))
    }

    // MARK: Metrics

    @Test("A call is counted once, by method, class of status and outcome")
    func counted() async throws {
        let bench = try counted(
            ScriptedTransport([
                step(answering: .ok), step(answering: .status(404)),
                step(answering: .status(302)), step(failing: .tls("x")),
                step(answering: .challenge(403, #"Bearer error="insufficient_scope""#)),
            ]))
        _ = try await bench.get()
        _ = try await bench.send(.post)
        _ = try await bench.send(.init("REPORT") ?? .get)
        _ = try? await bench.send(.patch)
        _ = try? await bench.send(.delete)
        #expect(calls("GET", "2xx", "answered") == 1)
        #expect(calls("POST", "4xx", "answered") == 1)
        #expect(calls("_OTHER", "3xx", "answered") == 1)
        #expect(calls("PATCH", "none", "tlsFailure") == 1)
        #expect(calls("DELETE", "4xx", "insufficientScope") == 1)
        #expect(metrics.total(.apiCalls) == 5 && metrics.total(.apiRetries) == 0)
    }

    @Test("Retries are counted by their cause, and are no calls of their own")
    func retries() async throws {
        let bench = try counted(
            ScriptedTransport([
                step(answering: .status(502)), step(answering: .status(503)),
                step(answering: .ok), step(answering: .status(504)),
                step(failing: .answerLost("reset")), step(answering: .ok),
                step(answering: .invalidToken), step(answering: .ok),
            ]))
        for _ in 0..<3 { _ = try await bench.get() }
        for cause in ["502", "503", "504", "connection", "401"] {
            #expect(metrics.total(.apiRetries, ("cause", cause)) == 1, "\(cause)")
        }
        #expect(metrics.total(.apiRetries) == 5)
        #expect(calls("GET", "2xx", "answered") == 3 && metrics.total(.apiCalls) == 3)
        #expect(metrics.total(.apiRetriesRefused) == 0)
        let waits = bench.clock.sleeps.reduce(.zero, +)
        #expect(metrics.durations(.apiCallDuration).reduce(.zero, +) == waits)
        #expect(metrics.durations(.apiCallDuration).count == 3)
    }

    @Test("A budget that is spent is counted, a policy that forbids is not")
    func budget() async throws {
        let spent = try counted(ScriptedTransport(.status(503)), budget: RetryBudget(capacity: 0))
        _ = try await spent.get()
        #expect(metrics.total(.apiRetriesRefused) == 1 && metrics.total(.apiRetries) == 0)
        let forbidden = try counted(ScriptedTransport(.status(503)), policy: .never)
        _ = try await forbidden.get()
        #expect(metrics.total(.apiRetriesRefused) == 1)
        #expect(calls("GET", "5xx", "answered") == 2)
    }

    @Test("A second 401 and a session that is over are outcomes of their own")
    func tokens() async throws {
        let refused = try counted(ScriptedTransport(.invalidToken, .invalidToken))
        _ = try? await refused.get()
        #expect(calls("GET", "4xx", "unauthorizedAfterRefresh") == 1)
        let over = try counted(ScriptedTransport(.invalidToken))
        over.session.failNextRefresh(.loginRequired(.ended(.revoked)))
        _ = try? await over.get()
        #expect(calls("GET", "none", "loginRequired") == 1)
        #expect(metrics.total(.apiRetries, ("cause", "401")) == 1)
    }

    // MARK: Spans

    @Test("A call is a span, each of its requests a client span under it")
    func spans() async throws {
        let bench = try traced(ScriptedTransport(.status(503), .invalidToken, .ok))
        try await tracer.withSpan("caller") { _ in
            _ = try await bench.get("/locks/7?secret=canary")
        }
        let caller = try #require(tracer.spans("caller").first)
        let call = try #require(tracer.spans("ksconnect.api_call").first)
        let requests = tracer.spans("GET")
        #expect(call.parentSpanID == caller.spanID)
        #expect(requests.map(\.parentSpanID) == Array(repeating: call.spanID, count: 3))
        #expect(requests.map { $0.number("http.request.resend_count") } == [nil, 1, 2])
        #expect(requests.map { $0.number("http.response.status_code") } == [503, 401, 200])
        #expect(requests.map { $0.text("error.type") } == ["503", "401", nil])
        #expect(requests.allSatisfy { $0.text("url.full") == "https://api.example/locks/7" })
        #expect(requests.allSatisfy { $0.text("server.address") == "api.example" })
        #expect(requests.allSatisfy { $0.kind == .client } && call.kind == .internal)
        #expect(call.text("ksconnect.outcome") == "succeeded" && call.status == nil)
        #expect(tracer.activeSpans.isEmpty)
        for secret in ["canary", "at-1", "at-2", "Bearer", "?"] {
            #expect(!tracer.texts.contains { $0.contains(secret) }, "\(secret)")
        }
    }

    @Test("A call that fails says so, and so does its request")
    func failure() async throws {
        let bench = try traced(ScriptedTransport([step(failing: .malformed("canary"))]))
        _ = try? await bench.get()
        let call = try #require(tracer.spans("ksconnect.api_call").first)
        let request = try #require(tracer.spans("GET").first)
        for span in [call, request] {
            #expect(span.text("error.type") == "protocolFailure")
            #expect(span.status?.code == .error && span.errors.isEmpty)
        }
        #expect(!tracer.texts.contains { $0.contains("canary") })
    }

    @Test("The token that a call needs is got within the call's span")
    func tokenWithin() async throws {
        let source = ContextRecorder(session: FakeSession(record: try .sample()))
        let client = APIClient(
            tokens: source, transport: ScriptedTransport(.invalidToken, .ok),
            apiBase: try WebURL("https://api.example"), clock: ManualClock(),
            random: ConstantRandom(), observability: Observability(tracer: tracer))
        _ = try await client.send(.get, client.url("/me"))
        let call = try #require(tracer.spans("ksconnect.api_call").first)
        #expect(source.spans == [call.spanID, call.spanID])
    }

    // MARK: Propagation

    /// What requests carry with the tracer that keeps nothing.
    private func sent(
        _ transport: ScriptedTransport, headers: HTTPFields = [:], in trace: TraceContext? = nil
    ) async throws -> [HTTPFields] {
        let bench = try Bench(
            transport, observability: Observability(tracer: TraceContextTracer()))
        var context = InstrumentationContext.topLevel
        context.traceContext = trace
        try await InstrumentationContext.withValue(context) {
            _ = try await bench.send(.get, headers: headers)
        }
        return transport.requests.map(\.request.headerFields)
    }

    @Test("Each request of a call carries the call's trace and a number of its own")
    func propagated() async throws {
        let sent = try await sent(ScriptedTransport(.status(503), .ok))
        let traces = try sent.map { try #require(TraceContext(traceparent: $0.trace ?? "")) }
        #expect(traces.count == 2 && Set(traces.map(\.traceID)).count == 1)
        #expect(Set(traces.map(\.parentID)).count == 2)
    }

    @Test("The caller's own trace goes on, its state with it")
    func continued() async throws {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
        let trace = try #require(TraceContext(traceparent: text, tracestate: "a=1"))
        let fields = try #require(try await sent(ScriptedTransport(.ok), in: trace).first)
        let received = try #require(TraceContext(traceparent: fields.trace ?? ""))
        #expect(received.traceID == trace.traceID && received.isSampled)
        #expect(received.parentID != trace.parentID)
        #expect(fields.first { $0.name.canonicalName == "tracestate" }?.value == "a=1")
        #expect(fields.count { $0.name.canonicalName == "traceparent" } == 1)
    }

    @Test("A traceparent that the caller wrote stays as it is, and gets no state of another trace")
    func callersOwn() async throws {
        let name = try #require(HTTPField.Name("Traceparent"))
        let trace = try #require(
            TraceContext(traceparent: TraceContext().traceparent, tracestate: "a=1"))
        let fields = try #require(
            try await sent(ScriptedTransport(.ok), headers: [name: "own"], in: trace).first)
        #expect(fields.trace == "own")
        #expect(!fields.contains { $0.name.canonicalName == "tracestate" })
    }

    @Test("Whatever a propagator writes, fields that a request has are not replaced")
    func noReplacement() async throws {
        let transport = ScriptedTransport(.ok)
        let bench = try Bench(
            transport, observability: Observability(propagator: HostilePropagator()))
        try await InstrumentationContext.withValue(.topLevel) { _ = try await bench.get() }
        let fields = try #require(transport.requests.first).request.headerFields
        #expect(fields[values: .authorization] == ["Bearer at-1"])
        #expect(fields.first { $0.name.canonicalName == "x-other" }?.value == "1")
    }

    @Test("The userinfo endpoint of another origin is told of no trace")
    func otherOrigin() async throws {
        let transport = ScriptedTransport(.status(200, body: #"{"sub":"s1"}"#))
        let bench = try Bench(
            transport,
            record: .sample(userInfo: "https://id.example/connect/userinfo", subject: "s1"),
            observability: Observability(tracer: TraceContextTracer()))
        _ = try await bench.client.userInfo()
        let fields = try #require(transport.requests.first).request.headerFields
        #expect(!fields.contains { $0.name.canonicalName.hasPrefix("trace") })
    }

    @Test("With nothing on, nothing is sent, counted or traced, whatever is current")
    func off() async throws {
        let transport = ScriptedTransport(.status(503), .ok)
        let bench = try Bench(transport, observability: .off)
        try await withTracer(TraceContextTracer()) {
            try await tracer.withSpan("caller") { span in
                var context = span.context
                context.traceContext = TraceContext()
                try await InstrumentationContext.withValue(context) { _ = try await bench.get() }
            }
        }
        for request in transport.requests {
            #expect(request.request.headerFields.map(\.name) == [.authorization])
        }
        #expect(tracer.finishedSpans.map(\.operationName) == ["caller"])
    }
}

extension HTTPFields {
    fileprivate var trace: String? {
        first { $0.name.canonicalName == "traceparent" }?.value
    }
}

/// Notes which span is current when a token is asked for.
private final class ContextRecorder: TokenSource {
    private let session: FakeSession
    private let seen = Mutex<[String?]>([])

    init(session: FakeSession) { self.session = session }

    var spans: [String?] { seen.withLock { $0 } }

    func accessToken(_ need: TokenNeed?) async throws(AuthError) -> IssuedToken {
        let span = InstrumentationContext.current?.inMemorySpanContext?.spanID
        seen.withLock { $0.append(span) }
        return try await session.accessToken(need)
    }
}

private struct HostilePropagator: Instrument {
    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout InstrumentationContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {}

    func inject<Carrier, Inject: Injector>(
        _ context: InstrumentationContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        injector.inject("Bearer other", forKey: "authorization", into: &carrier)
        injector.inject("1", forKey: "x-other", into: &carrier)
        injector.inject("no name", forKey: "a b", into: &carrier)
    }
}
