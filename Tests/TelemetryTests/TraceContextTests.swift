import Telemetry
import Testing
import Tracing

@Suite("W3C Trace Context")
struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let parent = "00f067aa0ba902b7"
    private static let header = "00-\(trace)-\(parent)-01"

    @Test("A traceparent is read and written as it stands")
    func roundTrip() throws {
        let context = try #require(TraceContext(traceparent: Self.header))
        #expect(context.traceID == Self.trace && context.parentID == Self.parent)
        #expect(context.isSampled && context.state == nil)
        #expect(context.traceparent == Self.header)
    }

    @Test("Of the flags only the sampled bit is read and sent on")
    func flags() {
        let text = "00-\(Self.trace)-\(Self.parent)-"
        #expect(TraceContext(traceparent: text + "fe")?.traceparent == text + "00")
        #expect(TraceContext(traceparent: text + "ff")?.traceparent == text + "01")
    }

    @Test("A later version is read as far as this one goes")
    func laterVersion() {
        let text = "cc-\(Self.trace)-\(Self.parent)-01"
        #expect(TraceContext(traceparent: text)?.traceparent == Self.header)
        #expect(TraceContext(traceparent: text + "-what-comes")?.traceparent == Self.header)
        #expect(TraceContext(traceparent: text + ".what") == nil)
    }

    @Test(
        "What is not exactly a traceparent is none",
        arguments: [
            "", "00", "00-\(trace)-\(parent)", "00-\(trace)-\(parent)-1",
            "00-\(trace)-\(parent)-01-", "00-\(trace)-\(parent)-01-x", " \(header)", "\(header) ",
            "ff-\(trace)-\(parent)-01", "0-\(trace)-\(parent)-01", "0x-\(trace)-\(parent)-01",
            "00-\(trace.uppercased())-\(parent)-01", "00-\(trace)-\(parent.uppercased())-01",
            "00-\(trace)-\(parent)-0G", "00-\(trace)0-\(parent)-01", "00_\(trace)_\(parent)_01",
            "00-00000000000000000000000000000000-\(parent)-01",
            "00-\(trace)-0000000000000000-01", "00-\(trace)-\(parent)-01, \(header)",
            "00-\(trace)-\(parent)-+1", "00--\(parent)-01",
        ])
    func malformed(_ text: String) {
        #expect(TraceContext(traceparent: text, tracestate: "a=1") == nil)
    }

    @Test(
        "A well-formed tracestate is kept as received",
        arguments: [
            "a=1", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "a=1 , b=2", "1a-2@v_*/=x y z",
            "a=1,,b=2", "a=!\"#$%&'()*+-./:;<>?@[]^_`{|}~",
        ])
    func state(_ text: String) {
        #expect(TraceContext(traceparent: Self.header, tracestate: text)?.state == text)
    }

    @Test(
        "A tracestate that is not well-formed is left out, and the traceparent stays",
        arguments: [
            "", " ", ",", "a", "a=", "a= ", "=1", "A=1", "a=1,a=2", "a=b=c", "a =1", "@a=1",
            "a@=1", "a@b@c=1", "a=\u{7F}", "a=\u{E9}", "a=1;b=2,c", "-a=1",
            (1...33).map { "k\($0)=v" }.joined(separator: ","),
            "a=" + String(repeating: "v", count: 257),
            (1...3).map { "k\($0)=" + String(repeating: "v", count: 200) }.joined(separator: ","),
        ])
    func badState(_ text: String) throws {
        let context = try #require(TraceContext(traceparent: Self.header, tracestate: text))
        #expect(context.state == nil)
        #expect(context.traceparent == Self.header)
    }

    @Test("A child keeps trace, flag and state, and has a number of its own")
    func child() throws {
        let context = try #require(TraceContext(traceparent: Self.header, tracestate: "a=1"))
        let child = context.child()
        #expect(child.traceID == context.traceID && child.parentID != context.parentID)
        #expect(child.isSampled && child.state == "a=1")
        #expect(TraceContext(traceparent: child.traceparent)?.parentID == child.parentID)
    }

    @Test("New traces are well-formed, differ, and are recorded by nobody")
    func new() {
        let contexts = (0..<200).map { _ in TraceContext() }
        for context in contexts {
            #expect(TraceContext(traceparent: context.traceparent) == context)
            #expect(!context.isSampled)
        }
        #expect(Set(contexts.map(\.traceID)).count == 200)
        #expect(Set(contexts.map(\.parentID)).count == 200)
    }

    @Test("The tracer takes a trace from a carrier and hands it on, one step further")
    func carrier() throws {
        let tracer = TraceContextTracer()
        var context = InstrumentationContext.topLevel
        tracer.extract(
            ["traceparent": Self.header, "tracestate": "a=1"], into: &context, using: Dictionary())
        let span = tracer.startSpan("x", context: context)
        var carrier: [String: String] = [:]
        tracer.inject(span.context, into: &carrier, using: Dictionary())
        let sent = try #require(carrier["traceparent"].flatMap { TraceContext(traceparent: $0) })
        #expect(sent.traceID == Self.trace && sent.parentID != Self.parent && sent.isSampled)
        #expect(carrier["tracestate"] == "a=1" && carrier.count == 2)
    }

    @Test("A malformed carrier gives nothing to hand on")
    func malformedCarrier() {
        let tracer = TraceContextTracer()
        var context = InstrumentationContext.topLevel
        tracer.extract(
            ["traceparent": "00-0-0-0", "tracestate": "a=1"], into: &context, using: Dictionary())
        var carrier: [String: String] = [:]
        tracer.inject(context, into: &carrier, using: Dictionary())
        #expect(carrier.isEmpty)
    }

    @Test("Nothing is on where nothing was bootstrapped, and a task's tracer is found")
    func bootstrapped() {
        #expect(!Observability.bootstrapped.isOn && !Observability.off.isOn)
        withTracer(TraceContextTracer()) {
            #expect(Observability.bootstrapped.isOn)
        }
    }
}

private struct Dictionary: Extractor, Injector {
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) {
        carrier[key] = value
    }
}
