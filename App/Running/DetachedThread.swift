import Glibc

/// A thread for what blocks, outside the pool that everything else runs on.
enum DetachedThread {
    private final class Work: Sendable {
        let body: @Sendable () -> Void

        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// - Returns: whether there is such a thread now.
    static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        let work = Unmanaged.passRetained(Work(body))
        var thread = pthread_t()
        let fault = pthread_create(
            &thread, nil,
            { box in
                guard let box else { return nil }
                Unmanaged<Work>.fromOpaque(box).takeRetainedValue().body()
                return nil
            }, work.toOpaque())
        guard fault == 0 else {
            work.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
