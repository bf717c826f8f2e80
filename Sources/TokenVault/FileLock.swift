internal import AuthModels
internal import Glibc

/// An exclusive `flock` on a file: the kernel's, so it dies with its holder. The file is never
/// removed, since a lock on a removed file excludes nobody who opens the name anew.
final class FileLock: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// - Returns: nil when another holds it.
    static func attempt(_ path: String) throws(StoreError) -> FileLock? {
        let lock = FileLock(descriptor: try StoreFiles.openOrCreate(path))
        while flock(lock.descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            if errno == EWOULDBLOCK { return nil }
            throw StoreFiles.fault(errno, path)
        }
        return lock
    }

    /// Tries again and again; the pauses grow and are jittered so that waiters do not march in
    /// step.
    ///
    /// - Returns: nil when the time is over.
    static func acquire(
        _ path: String, within limit: Duration, pausing pause: (Duration) async throws -> Void
    ) async throws -> FileLock? {
        let deadline = ContinuousClock.now + limit
        var step: Duration = .milliseconds(2)
        while true {
            if let lock = try attempt(path) { return lock }
            let left = deadline - .now
            guard left > .zero else { return nil }
            try await pause(min(left, step * Double.random(in: 0.5...1)))
            step = min(step * 2, .milliseconds(50))
        }
    }
}
