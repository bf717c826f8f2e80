public import CoreMetrics
public import Tracing

/// Where counters, timers and spans go: nowhere, unless the front end says so.
///
/// Read once, when a client is made: bootstrap the systems first. What is off costs a nil check.
public struct Observability: Sendable {
    let metrics: (any MetricsFactory)?
    let tracer: (any Tracer)?
    let propagator: (any Instrument)?

    /// Nothing is counted, timed or traced, and no request carries a trace.
    public static let off = Observability()

    /// - Parameters:
    ///   - metrics: nil for no counters and timers.
    ///   - tracer: nil for no spans.
    ///   - propagator: writes the trace into calls of the API; nil for the tracer itself.
    public init(
        metrics: (any MetricsFactory)? = nil, tracer: (any Tracer)? = nil,
        propagator: (any Instrument)? = nil
    ) {
        self.metrics = metrics
        self.tracer = tracer
        self.propagator = propagator ?? tracer
    }

    /// What `MetricsSystem` and `InstrumentationSystem` were given, by now, for the process or for
    /// the task; ``off`` where they were given nothing.
    public static var bootstrapped: Observability {
        let metrics = MetricsSystem.factory
        let tracer = InstrumentationSystem.tracer
        let instrument = InstrumentationSystem.instrument
        return Observability(
            metrics: metrics is NOOPMetricsHandler ? nil : metrics,
            tracer: tracer is NoOpTracer ? nil : tracer,
            propagator: instrument is NoOpInstrument || instrument is NoOpTracer
                ? nil : instrument)
    }

    /// Whether anything looks at what happens here.
    package var isOn: Bool { metrics != nil || tracer != nil }
    package var hasMetrics: Bool { metrics != nil }
}
