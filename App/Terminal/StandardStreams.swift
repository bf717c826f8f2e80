import Glibc

enum StandardStreams {
    /// Where a stream was closed by whoever started the command, its number is taken, so that no
    /// file (the token store, say) gets it and is written to. Writing to it is an error then.
    static func claim() {
        var descriptor: Int32
        repeat { descriptor = open("/dev/null", O_RDONLY) } while (0...2).contains(descriptor)
        if descriptor > 2 { close(descriptor) }
    }
}

/// stdout: the answer and nothing else.
enum StandardOutput {
    enum Fault: Error {
        /// The reader went away; nobody is left to be told.
        case readerGone
        case failed(String)
    }

    /// In one `write` where the kernel takes it whole, so that no reader sees half an answer.
    static func write(_ text: String) throws(Fault) {
        try write(Array(text.utf8))
    }

    static func write(_ bytes: [UInt8]) throws(Fault) {
        if let fault = writeAll(bytes, to: STDOUT_FILENO) {
            throw fault == EPIPE ? .readerGone : .failed(String(cString: strerror(fault)))
        }
    }

    static func line(_ text: String) throws(Fault) {
        try write(text + "\n")
    }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}

/// stderr: progress, prompts and errors. That it cannot be written is no error of the command.
enum StandardError {
    static func write(_ text: String) {
        _ = writeAll(Array(text.utf8), to: STDERR_FILENO)
    }

    static func line(_ text: String) {
        write(text + "\n")
    }

    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}

enum StandardInput {
    static var isTerminal: Bool { isatty(STDIN_FILENO) == 1 }
}

/// - Returns: the errno that stopped it; nil when all was written.
private func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
    var rest = bytes[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if count < 0 {
            if errno == EINTR { continue }
            if errno == EAGAIN {
                var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = Glibc.poll(&poll, 1, -1)
                continue
            }
            return errno
        }
        rest = rest.dropFirst(count)
    }
    return nil
}
