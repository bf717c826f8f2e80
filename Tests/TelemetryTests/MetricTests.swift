import AuthModels
import Foundation
import MetricsTestKit
import Telemetry
import Testing

@Suite("Metrics")
struct MetricTests {
    @Test("The documentation lists every metric, every label's values and every span")
    func documented() throws {
        let top = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(
            contentsOf: top.appending(path: "docs/observability.md"), encoding: .utf8)
        let labels: [[String]] = [
            Metric.allCases.map(\.rawValue), RefreshOutcome.allCases.map(\.rawValue),
            RefreshReply.allCases.map(\.rawValue), SessionEnd.allCases.map(\.rawValue),
            RevocationResult.allCases.map(\.rawValue), RetryCause.allCases.map(\.rawValue),
            MethodLabel.allCases.map(\.rawValue), StatusLabel.allCases.map(\.rawValue),
            Observability.Operation.allCases.map(\.rawValue),
        ]
        for name in labels.joined() { #expect(text.contains("`\(name)`"), "\(name)") }
        for purpose in Observability.ProviderRequest.allCases {
            #expect(text.contains(" \(purpose.rawValue)`"), "\(purpose)")
        }
        let listed = Set(text.matches(of: /`(ksconnect_[a-z_]+)`/).map { String($0.1) })
        #expect(listed == Set(Metric.allCases.map(\.rawValue)))
    }

    @Test("A method that is none of the usual, and a status that is none, have one value")
    func closed() {
        #expect(MethodLabel("GET") == .get && MethodLabel("get") == .other)
        #expect(MethodLabel("X-\(String(repeating: "y", count: 1000))") == .other)
        #expect([99, 600, 999].map { StatusLabel(code: $0) } == [.none, .none, .none])
        #expect(
            [100, 299, 599].map { StatusLabel(code: $0) } == [
                .informational, .success, .serverError,
            ])
    }

    @Test("A duration goes to the backend in nanoseconds, and one that is unknown does not")
    func durations() throws {
        let metrics = TestMetrics()
        let observability = Observability(metrics: metrics)
        observability.refresh(.refreshed, took: .seconds(2) + .nanoseconds(5))
        observability.refresh(.refreshed, took: nil)
        let timer = try metrics.expectTimer(
            Metric.refreshDuration.rawValue, [("outcome", "refreshed")])
        #expect(timer.values == [2_000_000_005])
        #expect(metrics.counterTotal(label: Metric.refreshes.rawValue) == 2)
    }
}
