public import Tracing

/// A tracer that keeps nothing and sends nothing: it numbers spans, so that calls carry
/// `traceparent` (W3C Trace Context) and an API's logs can be told apart by trace.
///
/// For a front end without a tracing system of its own; with one, bootstrap that one.
public struct TraceContextTracer: Tracer {
    private static let parentField = "traceparent"
    private static let stateField = "tracestate"

    public init() {}

    public func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> InstrumentationContext,
        ofKind kind: SpanKind, at instant: @autoclosure () -> Instant, function: String,
        file fileID: String, line: UInt
    ) -> NumberedSpan {
        var context = context()
        context.traceContext = context.traceContext?.child() ?? TraceContext()
        return NumberedSpan(context: context)
    }

    public func forceFlush() {}

    public func inject<Carrier, Inject: Injector>(
        _ context: InstrumentationContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let trace = context.traceContext else { return }
        injector.inject(trace.traceparent, forKey: Self.parentField, into: &carrier)
        if let state = trace.state {
            injector.inject(state, forKey: Self.stateField, into: &carrier)
        }
    }

    /// What is not well-formed is ignored, and a new trace begins (§3.2.2.5).
    public func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout InstrumentationContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let parent = extractor.extract(key: Self.parentField, from: carrier) else { return }
        context.traceContext = TraceContext(
            traceparent: parent,
            tracestate: extractor.extract(key: Self.stateField, from: carrier))
    }
}

/// A span that is a number and nothing else.
public struct NumberedSpan: Span {
    public let context: InstrumentationContext

    public var isRecording: Bool { false }
    public var operationName: String {
        get { "" }
        nonmutating set {}
    }
    public var attributes: SpanAttributes {
        get { [:] }
        nonmutating set {}
    }

    public func setStatus(_ status: SpanStatus) {}
    public func addEvent(_ event: SpanEvent) {}
    public func addLink(_ link: SpanLink) {}
    public func recordError<Instant: TracerInstant>(
        _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
    ) {}
    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {}
}
