import CoreMetrics
import Synchronization

/// A metrics backend as small as one can be: a locked table of atomic numbers.
final class CountingMetrics: MetricsFactory {
    private let table = Mutex<[String: Number]>([:])

    private func number(_ label: String, _ dimensions: [(String, String)]) -> Number {
        var key = label
        for (name, value) in dimensions { key += "|\(name)=\(value)" }
        return table.withLock { table in
            if let number = table[key] { return number }
            let number = Number()
            table[key] = number
            return number
        }
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        number(label, dimensions)
    }

    func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        number(label, dimensions)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        number(label, dimensions)
    }

    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}
}

private final class Number: CounterHandler, RecorderHandler, TimerHandler {
    private let sum = Atomic<Int64>(0)

    func increment(by amount: Int64) { sum.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { sum.store(0, ordering: .relaxed) }
    func record(_ value: Int64) { sum.wrappingAdd(value, ordering: .relaxed) }
    func record(_ value: Double) { record(Int64(value)) }
    func recordNanoseconds(_ duration: Int64) { record(duration) }
}
