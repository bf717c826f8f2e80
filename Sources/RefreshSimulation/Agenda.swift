/// Simulated time in microseconds since the simulation began; also used for spans of it.
typealias Instant = Int64

extension Instant {
    static func ms(_ count: Int64) -> Instant { count * 1000 }
    static func s(_ count: Int64) -> Instant { count * 1_000_000 }

    init(_ duration: Duration) {
        let parts = duration.components
        self = parts.seconds * 1_000_000 + parts.attoseconds / 1_000_000_000_000
    }
}

/// What is to happen, ordered by time and, within one instant, by the order of asking.
struct Agenda {
    struct Entry {
        let time: Instant
        let sequence: UInt64
        /// A process in one of its lives; what it was to do dies with it.
        let doer: (process: Int, life: Int)?
        let action: () -> Void
    }

    private var heap: [Entry] = []
    private var sequence: UInt64 = 0

    var isEmpty: Bool { heap.isEmpty }

    mutating func add(
        at time: Instant, by doer: (process: Int, life: Int)?, _ action: @escaping () -> Void
    ) {
        sequence += 1
        heap.append(Entry(time: time, sequence: sequence, doer: doer, action: action))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBefore(child, parent) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func popFirst() -> Entry? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if heap.isEmpty { return first }
        heap[0] = last
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < heap.count else { break }
            let right = left + 1
            let child = right < heap.count && isBefore(right, left) ? right : left
            guard isBefore(child, parent) else { break }
            heap.swapAt(child, parent)
            parent = child
        }
        return first
    }

    mutating func removeAll() { heap = [] }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        let (left, right) = (heap[left], heap[right])
        return left.time != right.time ? left.time < right.time : left.sequence < right.sequence
    }
}
