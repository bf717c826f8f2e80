import AuthModels
import FoundationEssentials
import Synchronization
import Testing

/// A clock that stands still until it is moved. Short sleeps pass at once and move it; longer ones
/// end when it is advanced past them.
final class ServiceClock: AuthClock {
    private struct Sleeper {
        let id: Int
        let until: Duration
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct Content {
        var elapsed: Duration = .seconds(1000)
        var sleeps: [Duration] = []
        var sleepers: [Sleeper] = []
        var cancelled: Set<Int> = []
        var lastID = 0
    }

    private let content = Mutex(Content())
    private let shortMax: Duration

    init(passingAtOnce shortMax: Duration = .seconds(10)) {
        self.shortMax = shortMax
    }

    /// The short sleeps so far.
    var sleeps: [Duration] { content.withLock { $0.sleeps } }
    var sleeperCount: Int { content.withLock { $0.sleepers.count } }

    func now() -> Moment {
        let elapsed = content.withLock { $0.elapsed }
        return Moment(
            wall: Date(timeIntervalSince1970: 1_900_000_000 + elapsed.inSeconds),
            sinceBoot: elapsed, bootID: "boot")
    }

    func advance(by duration: Duration) {
        let due = content.withLock { content in
            content.elapsed += duration
            let due = content.sleepers.filter { $0.until <= content.elapsed }
            content.sleepers.removeAll { $0.until <= content.elapsed }
            return due
        }
        for sleeper in due { sleeper.continuation.resume(returning: true) }
    }

    func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        if duration <= shortMax {
            content.withLock { $0.sleeps.append(duration) }
            advance(by: duration)
            return
        }
        let id = content.withLock { content in
            content.lastID += 1
            return content.lastID
        }
        let isOver = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = content.withLock { content in
                    if content.cancelled.remove(id) != nil { return true }
                    content.sleepers.append(
                        Sleeper(
                            id: id, until: content.elapsed + duration, continuation: continuation))
                    return false
                }
                if isCancelled { continuation.resume(returning: false) }
            }
        } onCancel: {
            let sleeper = content.withLock { content -> Sleeper? in
                guard let index = content.sleepers.firstIndex(where: { $0.id == id }) else {
                    content.cancelled.insert(id)
                    return nil
                }
                return content.sleepers.remove(at: index)
            }
            sleeper?.continuation.resume(returning: false)
        }
        if !isOver { throw CancellationError() }
    }
}

/// Different bytes each time, the same in every run.
final class CountingRandom: RandomSource {
    private let count = Mutex<UInt8>(0)

    func bytes(_ count: Int) throws(RandomnessUnavailable) -> [UInt8] {
        let start = self.count.withLock { number in
            number &+= 1
            return number
        }
        return (0..<count).map { start &+ UInt8(truncatingIfNeeded: $0 &* 7) }
    }
}

/// Holds whoever comes until it is opened.
final class Gate: Sendable {
    private struct Content {
        var isOpen = false
        var arrivals = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let content = Mutex(Content())

    var arrivals: Int { content.withLock { $0.arrivals } }

    func pass() async {
        await withCheckedContinuation { continuation in
            let isOpen = content.withLock { content in
                content.arrivals += 1
                if !content.isOpen { content.waiting.append(continuation) }
                return content.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = content.withLock { content in
            content.isOpen = true
            defer { content.waiting = [] }
            return content.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

/// Waits until something that other tasks bring about is so; a failed test when it does not come.
func eventually(
    _ what: Comment, at location: SourceLocation = #_sourceLocation,
    _ isSo: @Sendable () async -> Bool
) async throws {
    for _ in 0..<5000 {
        if await isSo() { return }
        try await Task.sleep(for: .milliseconds(2))
    }
    Issue.record(what, sourceLocation: location)
}
