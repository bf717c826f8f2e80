import Glibc
import Synchronization

/// SIGINT, SIGTERM and SIGHUP: the first one cancels the command, so that it closes what it holds
/// and says so; the second one, or the end of the patience, ends the process at once.
struct EndingSignals: Sendable {
    /// A refresh whose request is on its way needs its answer stored, or the session may be lost.
    private static let patienceSeconds: UInt32 = 5

    private let received = Received()
    private let numbers: [Int32]

    private final class Received: Sendable {
        let number = Atomic<Int32>(0)
    }

    /// Blocks the signals in this thread and all that come after it, so that one thread gets them
    /// by `sigwait`. To be called before there is another thread.
    init() {
        numbers = [SIGINT, SIGTERM, SIGHUP].filter { number in
            var action = sigaction()
            sigaction(number, nil, &action)
            // What whoever started the command (nohup) wanted ignored stays ignored.
            return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
                != unsafeBitCast(SIG_IGN, to: Int.self)
        }
        var set = Self.set(of: numbers)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    private static func set(of numbers: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for number in numbers { sigaddset(&set, number) }
        return set
    }

    /// Runs the command, and ends the process; a signal decides the exit code.
    ///
    /// The calling thread, the main one, waits for the signals: left to the runtime it would sleep
    /// with all signals unblocked, and the first one would end the process on the spot.
    func run(_ body: @escaping @Sendable () async -> ExitStatus) -> Never {
        let task = Task.detached { [received] in
            let status = await body()
            switch received.number.load(ordering: .acquiring) {
            case SIGINT: end(.interrupted)
            case SIGTERM: end(.terminated)
            case SIGHUP: end(.hangup)
            default: end(status)
            }
        }
        let first = next()
        received.number.store(first, ordering: .releasing)
        task.cancel()
        _ = DetachedThread.start {
            sleep(Self.patienceSeconds)
            _exit(128 + first)
        }
        _exit(128 + next())
    }

    private func next() -> Int32 {
        var set = Self.set(of: numbers)
        var number: Int32 = 0
        while numbers.isEmpty || sigwait(&set, &number) != 0 { pause() }
        return number
    }
}
