internal import AuthModels
internal import Glibc

/// An exclusive `flock` on a file: the kernel's, so it dies with its holder.
///
/// A lock on a removed file excludes nobody who opens the name anew. So only who holds the lock
/// removes the file, and who gets a lock looks whether the name still means the file it is on.
final class FileLock: Sendable {
    private let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// - Returns: nil when another holds it.
    static func attempt(_ path: String) throws(StoreError) -> FileLock? {
        while true {
            let lock = FileLock(descriptor: try StoreFiles.openOrCreate(path))
            guard try lock.take(path) else { return nil }
            if lock.isOn(path) { return lock }
        }
    }

    private func take(_ path: String) throws(StoreError) -> Bool {
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            if errno == EINTR { continue }
            if errno == EWOULDBLOCK { return false }
            throw StoreFiles.fault(errno, path)
        }
        return true
    }

    private func isOn(_ path: String) -> Bool {
        var (mine, named) = (stat(), stat())
        return fstat(descriptor, &mine) == 0 && lstat(path, &named) == 0
            && mine.st_dev == named.st_dev && mine.st_ino == named.st_ino
    }

    /// Removes the file of a lock that nobody holds; one that is held is left, and so is its file.
    static func removeIfFree(_ path: String) throws(StoreError) {
        guard try StoreFiles.check(path) != .missing, let lock = try attempt(path) else { return }
        withExtendedLifetime(lock) { _ = unlink(path) }
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
