import Dispatch
import Glibc
import Synchronization

/// A program run to its end without a shell, its stdout and stderr read together as lines.
enum ChildProcess {
    /// Runs a program; cancelling the task asks it to end.
    ///
    /// - Parameter path: absolute; `arguments` begins with the program's name.
    /// - Returns: the exit code, or 128 and the number of the signal that ended it.
    static func run(
        _ path: String, arguments: [String], environment: [String: String],
        onLine: @escaping @Sendable (String) -> Void
    ) async throws(TourFailure) -> Int32 {
        var pipeEnds: [Int32] = [0, 0]
        guard pipe(&pipeEnds) == 0 else {
            throw .noStage(reason: "no pipe (errno \(errno))")
        }
        let (readEnd, writeEnd) = (pipeEnds[0], pipeEnds[1])
        for end in pipeEnds { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var id: pid_t = 0
        let fault = spawn(&id, path, arguments, environment, output: writeEnd)
        close(writeEnd)
        guard fault == 0 else {
            close(readEnd)
            throw .noStage(reason: "\(path) cannot be run (errno \(fault))")
        }
        let child = Running(id: id)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                // A queue of its own, for it blocks.
                DispatchQueue(label: "child").async {
                    LineReader(descriptor: readEnd).forEach(onLine)
                    continuation.resume(returning: child.wait())
                }
            }
        } onCancel: {
            child.ask(SIGTERM)
        }
    }

    /// - Returns: 0 or the errno.
    private static func spawn(
        _ id: inout pid_t, _ path: String, _ arguments: [String], _ environment: [String: String],
        output: Int32
    ) -> Int32 {
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The tour ignores some signals, and a child would inherit that.
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))

        let variables = environment.map { "\($0.key)=\($0.value)" }
        return withCStrings(arguments) { arguments in
            withCStrings(variables) { variables in
                posix_spawn(&id, path, &files, &attributes, arguments, variables)
            }
        }
    }

    /// Lends a null-terminated array of C strings.
    private static func withCStrings<Result>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let array = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(
            capacity: strings.count + 1)
        for (index, string) in strings.enumerated() { array[index] = strdup(string) }
        array[strings.count] = nil
        defer {
            for index in strings.indices { free(array[index]) }
            array.deallocate()
        }
        return body(array)
    }

    /// A child that may be signalled until it has been reaped, and never after: its number may be
    /// another's by then.
    private final class Running: Sendable {
        private let id: Mutex<pid_t?>

        init(id: pid_t) { self.id = Mutex(id) }

        func ask(_ signal: Int32) {
            id.withLock { id in
                if let id { kill(id, signal) }
            }
        }

        func wait() -> Int32 {
            guard let number = id.withLock({ $0 }) else { return -1 }
            var info = siginfo_t()
            // Waits without reaping, so that the lock is held for a moment only.
            while waitid(P_PID, id_t(number), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
            return id.withLock { id in
                var status: Int32 = 0
                waitpid(number, &status, 0)
                id = nil
                let signal = status & 0x7F
                return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
            }
        }
    }
}

/// What comes from a descriptor until its end, in lines; closes it then.
private struct LineReader {
    let descriptor: Int32

    func forEach(_ body: (String) -> Void) {
        defer { close(descriptor) }
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            for byte in buffer[..<count] {
                if byte == UInt8(ascii: "\n") {
                    body(String(decoding: line, as: UTF8.self))
                    line = []
                } else {
                    line.append(byte)
                }
            }
        }
        if !line.isEmpty { body(String(decoding: line, as: UTF8.self)) }
    }
}
