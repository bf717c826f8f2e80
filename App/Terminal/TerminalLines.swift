import Glibc

/// The lines that a person types or pastes, while something else is waited for too.
enum TerminalLines {
    private static let lineBytesMax = 16 << 10

    /// Everything that is typed from the first use on; one reader at a time.
    ///
    /// A thread of its own reads the terminal, and never holds up the end of the process.
    static let stream: AsyncStream<String> = {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        let isStarted = DetachedThread.start {
            read(into: continuation)
            continuation.finish()
        }
        if !isStarted { continuation.finish() }
        return stream
    }()

    /// - Returns: nil at the end of the input, or when the task is cancelled.
    static func next() async -> String? {
        for await line in stream { return line }
        return nil
    }

    /// By `read` and not by stdio, whose lock would be held for as long as nobody types.
    private static func read(into continuation: AsyncStream<String>.Continuation) {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            for byte in buffer[..<count] {
                if byte != 0x0A {
                    if line.count < lineBytesMax { line.append(byte) }
                    continue
                }
                continuation.yield(String(decoding: line, as: UTF8.self))
                line = []
            }
        }
    }
}
