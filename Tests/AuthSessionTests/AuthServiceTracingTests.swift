import AuthModels
import AuthSession
import HTTPTypes
import InMemoryTracing
import MetricsTestKit
import Telemetry
import Testing
import Tracing

@Suite("The auth service traces")
struct AuthServiceTracingTests {
    private let tracer = InMemoryTracer()
    private var observability: Observability { Observability(tracer: tracer) }

    @Test("A refresh belongs to the caller that caused it, and to no one who joined")
    func parentage() async throws {
        let bench = try ServiceBench(observability: observability)
        try await bench.expired()
        let gate = Gate()
        bench.provider.next(.after({ await gate.pass() }, .rotate))
        let tracer = tracer
        let first = Task {
            try await tracer.withSpan("first") { _ in try await bench.service.accessToken() }
        }
        try await eventually("the request is sent") { gate.arrivals == 1 }
        let others = (0..<5).map { _ in
            Task {
                try await tracer.withSpan("other") { _ in try await bench.service.accessToken() }
            }
        }
        try await eventually("they have come") {
            if case .refreshing(let refreshing) = await bench.state() {
                refreshing.waiters.count == 6
            } else {
                false
            }
        }
        gate.open()
        _ = try await first.value
        for other in others { _ = try await other.value }

        let cause = try #require(tracer.spans("first").first)
        let refresh = try #require(tracer.spans("ksconnect.refresh").first)
        let request = try #require(tracer.spans("POST refresh").first)
        #expect(tracer.spans("ksconnect.refresh").count == 1)
        #expect(refresh.parentSpanID == cause.spanID && refresh.traceID == cause.traceID)
        #expect(request.parentSpanID == refresh.spanID && request.traceID == cause.traceID)
        let strangers = Set(tracer.spans("other").map(\.spanID))
        #expect(!tracer.finishedSpans.contains { strangers.contains($0.parentSpanID ?? "") })
        #expect(refresh.text("ksconnect.outcome") == "refreshed" && refresh.status == nil)
        #expect(tracer.activeSpans.isEmpty)
    }

    @Test("A request to the provider says where, how and with which status, and no more")
    func attributes() async throws {
        let bench = try ServiceBench(observability: observability)
        try await bench.expired()
        bench.provider.next(.answer(.status(400, #"{"error":"invalid_client"}"#)))
        _ = try? await bench.service.accessToken()
        let request = try #require(tracer.spans("POST refresh").first)
        #expect(request.text("http.request.method") == "POST")
        #expect(request.text("url.full") == "https://id.example/token")
        #expect(request.text("server.address") == "id.example")
        #expect(request.number("server.port") == 443)
        #expect(request.number("http.response.status_code") == 400)
        #expect(request.text("error.type") == "400" && request.status?.code == .error)
        #expect(request.attributes.count == 6)
        let refresh = try #require(tracer.spans("ksconnect.refresh").first)
        #expect(refresh.text("error.type") == "rejected" && refresh.status?.code == .error)
    }

    @Test("A replay is a span of its own under the same refresh, and a lost answer has its kind")
    func replay() async throws {
        let bench = try ServiceBench(observability: observability)
        try await bench.expired()
        bench.provider.next(.loseRequest)
        _ = try await bench.service.accessToken()
        let refresh = try #require(tracer.spans("ksconnect.refresh").first)
        let requests = tracer.spans("POST refresh")
        #expect(requests.map(\.parentSpanID) == [refresh.spanID, refresh.spanID])
        #expect(requests.map { $0.text("error.type") } == ["transient", nil])
        #expect(requests.map { $0.number("http.response.status_code") } == [nil, 200])
    }

    @Test("A sign-in has its steps under it, and a failure its kind")
    func signIn() async throws {
        let bench = try ServiceBench(observability: observability)
        try await tracer.withSpan("person") { _ in
            _ = try await bench.service.signIn(.test(FakeRedirects()))
        }
        let person = try #require(tracer.spans("person").first)
        let signIn = try #require(tracer.spans("ksconnect.sign_in").first)
        #expect(signIn.parentSpanID == person.spanID)
        for step in ["GET discovery", "POST codeExchange"] {
            #expect(tracer.spans(step).map(\.parentSpanID) == [signIn.spanID])
        }
        #expect(signIn.text("ksconnect.outcome") == "succeeded")

        bench.provider.next(.loseRequest)
        _ = try? await bench.service.signIn(.test(FakeRedirects()))
        let failed = try #require(tracer.spans("ksconnect.sign_in").last)
        #expect(failed.text("ksconnect.outcome") == "failed" && failed.parentSpanID == nil)
        #expect(failed.text("error.type") == "codeExchangeLost")
        #expect(tracer.activeSpans.isEmpty)
    }

    @Test("Neither the sign-in page's address nor any request to the provider carries a trace")
    func nothingForTheProvider() async throws {
        let bench = try ServiceBench()
        let recorder = FieldRecorder(bench.provider)
        let service = try bench.sibling(
            observability: Observability(tracer: TraceContextTracer()), transport: recorder)
        var context = InstrumentationContext.topLevel
        let trace = TraceContext()
        context.traceContext = trace
        let redirects = FakeRedirects()
        try await InstrumentationContext.withValue(context) {
            _ = try await service.signIn(.test(redirects))
            _ = try await service.refresh()
            _ = try await service.signOut()
        }
        #expect(recorder.fields.count == 4)
        for fields in recorder.fields {
            #expect(!fields.contains { $0.name.canonicalName.hasPrefix("trace") })
            #expect(!fields.contains { $0.value.contains(trace.traceID) })
        }
        let page = try #require(redirects.opened.first)
        #expect(!page.rawValue.contains(trace.traceID) && !page.rawValue.contains("trace"))
    }

    @Test("No secret, account or person gets into a label, a span or a log")
    func canaries() async throws {
        let metrics = TestMetrics()
        let logs = LogRecorder()
        let bench = try ServiceBench()
        let service = try bench.sibling(
            observability: Observability(metrics: metrics, tracer: tracer), logger: logs.logger())
        let redirects = FakeRedirects()
        _ = try await service.signIn(.test(redirects, secret: ClientSecret("canary-secret")))
        _ = try await service.refresh()
        bench.provider.next(
            .answer(.status(400, #"{"error":"canary-code","error_description":"canary"}"#)))
        _ = try? await service.refresh()
        bench.clock.advance(by: .seconds(5))
        bench.provider.next(.fail(.answerLost("canary-reason")), .fail(.answerLost("canary")))
        _ = try? await service.refresh()
        _ = try await service.signOut()
        let form = try #require(bench.provider.exchanges.first)
        let state = FakeRedirects.parameter("state", of: try #require(redirects.opened.first))
        let secrets =
            ["canary", "at-1", "at-2", "rt-1", "rt-2", "c-1", state, "?", "default"]
            + [form["code_verifier"] ?? "none"]
        #expect(metrics.texts.count > 20 && tracer.texts.count > 50 && logs.lines.count > 5)
        for secret in secrets {
            #expect(!metrics.texts.contains { $0.contains(secret) }, "\(secret)")
            #expect(!tracer.texts.contains { $0.contains(secret) }, "\(secret)")
            #expect(!logs.lines.contains { $0.contains(secret) }, "\(secret)")
        }
        #expect(!metrics.texts.contains { $0.contains("example") })
    }

    @Test("A service made without observability begins no span, whatever is current")
    func off() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        try await withTracer(tracer) {
            try await tracer.withSpan("caller") { _ in
                _ = try await bench.service.accessToken()
            }
        }
        #expect(tracer.finishedSpans.map(\.operationName) == ["caller"])
    }
}

extension SignInRequest {
    /// A sign-in whose person is the fake.
    static func test(
        _ redirects: FakeRedirects, secret: ClientSecret? = nil
    ) throws -> SignInRequest {
        SignInRequest(
            registration: try ServiceBench.registration(), clientSecret: secret,
            redirects: redirects, browser: redirects)
    }
}
