#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Whole lines to stdout, out at once: a reader waits for the ready line behind a pipe.
enum StandardOutput {
    static func write(_ line: String) {
        writeLine(line, to: STDOUT_FILENO)
    }

    /// Writes over the line that the cursor stands in; for terminals alone.
    static func rewrite(_ line: String) {
        writeAll("\r\u{1B}[2K\(line)", to: STDOUT_FILENO)
    }
}

/// Whole lines to stderr.
enum StandardError {
    static func write(_ line: String) {
        writeLine(line, to: STDERR_FILENO)
    }
}

private func writeLine(_ line: String, to descriptor: Int32) {
    writeAll("\(line)\n", to: descriptor)
}

private func writeAll(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}
