import Glibc

/// Reads what a person named: a file, a pipe, or stdin as `-`.
enum FileInput {
    struct Fault: Error {
        let reason: String
        var isMissing = false
    }

    /// - Throws: ``Fault``, also where there is more than `bytesMax`.
    static func read(_ path: String, bytesMax: Int) throws(Fault) -> [UInt8] {
        if path == "-" { return try readAll(STDIN_FILENO, bytesMax: bytesMax) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            throw Fault(
                reason: String(cString: strerror(code)),
                isMissing: code == ENOENT || code == ENOTDIR)
        }
        defer { close(descriptor) }
        return try readAll(descriptor, bytesMax: bytesMax)
    }

    /// Whether there is such a descriptor; from now on no child inherits it.
    static func isOpen(_ descriptor: Int32) -> Bool {
        let flags = fcntl(descriptor, F_GETFD)
        return flags >= 0 && fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) >= 0
    }

    static func readAll(_ descriptor: Int32, bytesMax: Int) throws(Fault) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw Fault(reason: String(cString: strerror(errno)))
            }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= bytesMax else {
                throw Fault(reason: "it is larger than \(bytesMax) bytes")
            }
        }
    }
}
