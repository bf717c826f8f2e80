internal import CDesktop
internal import Glibc

/// A program in a session of its own, with nothing of this process but what it is given.
struct DetachedProcess: Sendable {
    struct StartError: Error {
        let errno: Int32
    }

    let id: pid_t

    /// - Parameter path: absolute; `arguments` begins with the program's name.
    init(
        _ path: String, arguments: [String], environment: [String: String]
    ) throws(StartError) {
        var process: pid_t = 0
        let variables = environment.map { "\($0.key)=\($0.value)" }
        let fault = Self.withCStrings(arguments) { arguments in
            Self.withCStrings(variables) { variables in
                cdesktop_spawn_detached(&process, path, arguments, variables)
            }
        }
        guard fault == 0 else { throw StartError(errno: fault) }
        id = process
    }

    /// The exit code if the program ends in time (-1 when a signal ended it); nil when it runs on.
    /// It is reaped either way, later if need be, and no thread waits for it.
    func exitCode(within time: Duration) async -> Int32? {
        let end = ContinuousClock.now + time
        var pause = Duration.milliseconds(5)
        while ContinuousClock.now < end, !Task.isCancelled {
            if let code = reapedCode() { return code }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(100))
        }
        Task.detached { [self] in await reapEventually() }
        return nil
    }

    private func reapEventually() async {
        while reapedCode() == nil {
            guard (try? await Task.sleep(for: .seconds(5))) != nil else { return }
        }
    }

    private func reapedCode() -> Int32? {
        var status: Int32 = 0
        switch cdesktop_reap(id, &status) {
        case 0: return nil
        case 1: return cdesktop_exit_code(status)
        // Somebody else has reaped it; its fate is unknown, which is no failure.
        default: return 0
        }
    }

    /// Lends a null-terminated array of C strings. Text with a NUL inside ends there.
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
}
