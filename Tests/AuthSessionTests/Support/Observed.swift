import AuthModels
import CoreMetrics
import HTTPTypes
import InMemoryTracing
import Logging
import MetricsTestKit
import Synchronization
import Telemetry
import Tracing

extension TestMetrics {
    /// How often it was counted with these labels, and with others besides where not all are named.
    func total(_ metric: Metric, _ labels: (String, String)...) -> Int64 {
        counters(label: metric.rawValue)
            .filter { counter in
                labels.allSatisfy { label in counter.dimensions.contains { $0 == label } }
            }
            .reduce(0) { $0 + $1.totalValue }
    }

    func durations(_ metric: Metric) -> [Duration] {
        timers(label: metric.rawValue).flatMap(\.values).map { .nanoseconds($0) }
    }

    /// Every name and value that was given to the backend.
    var texts: [String] {
        let counted = counters.map { ($0.label, $0.dimensions) }
        let timed = timers.map { ($0.label, $0.dimensions) }
        let gauged = recorders.map { ($0.label, $0.dimensions) }
        return (counted + timed + gauged).flatMap { label, dimensions in
            [label] + dimensions.flatMap { [$0.0, $0.1] }
        }
    }
}

extension InMemoryTracer {
    func spans(_ name: String) -> [FinishedInMemorySpan] {
        finishedSpans.filter { $0.operationName == name }
    }

    /// Every text that was given to the backend.
    var texts: [String] {
        finishedSpans.flatMap { span in
            var texts = [span.operationName, span.status?.message ?? ""]
            // swift-format-ignore: ReplaceForEachWithForLoop
            span.attributes.forEach { name, value in texts += [name, "\(value)"] }
            texts += span.errors.map { "\($0)" } + span.events.map { "\($0)" }
            return texts
        }
    }
}

extension FinishedInMemorySpan {
    func text(_ attribute: String) -> String? {
        if case .string(let text) = attributes.get(attribute) { text } else { nil }
    }

    func number(_ attribute: String) -> Int64? {
        if case .int64(let number) = attributes.get(attribute) { number } else { nil }
    }
}

/// Hands requests on and keeps their header fields.
final class FieldRecorder: HTTPTransport {
    private let transport: any HTTPTransport
    private let content = Mutex<[HTTPFields]>([])

    init(_ transport: any HTTPTransport) { self.transport = transport }

    /// The fields of each request so far.
    var fields: [HTTPFields] { content.withLock { $0 } }

    func send(_ exchange: HTTPExchange) async throws(TransportError) -> HTTPAnswer {
        content.withLock { $0.append(exchange.request.headerFields) }
        return try await transport.send(exchange)
    }
}

/// Keeps every line that is logged, at every level.
final class LogRecorder: Sendable {
    private let content = Mutex<[String]>([])
    var lines: [String] { content.withLock { $0 } }

    func logger() -> Logger {
        var logger = Logger(label: "test") { _ in Handler(recorder: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = "\(event.message) \(event.metadata ?? [:])"
            recorder.content.withLock { $0.append(line) }
        }
    }
}
