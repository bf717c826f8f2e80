#if DEBUG
    #if canImport(Glibc)
        internal import Glibc
    #elseif canImport(Musl)
        internal import Musl
    #elseif canImport(Darwin)
        internal import Darwin
    #endif
    internal import Synchronization

    /// Places where a test may kill the process, to show that the next start is sound.
    ///
    /// `KSCONNECT_FAILPOINT=name` kills at the first time the place is reached, `name:N` at the Nth.
    /// Debug builds only: in a release build a hit is an empty function that is inlined away, and the
    /// variable is not read.
    public enum FailPoint {
        private struct Plan {
            var name: String
            var hit: Int
        }

        /// Read once: a later change of the environment cannot move the place.
        private static let plan: Plan? = {
            guard let value = getenv("KSCONNECT_FAILPOINT") else { return nil }
            let parts = String(cString: value).split(separator: ":", maxSplits: 1)
            guard let name = parts.first else { return nil }
            return Plan(name: String(name), hit: parts.count == 2 ? Int(parts[1]) ?? 1 : 1)
        }()

        private static let hits = Atomic<Int>(0)

        /// Ends the process with SIGKILL if the environment names this place; else does nothing.
        public static func hit(_ name: StaticString) {
            guard let plan, plan.name.isExactly(name.description) else { return }
            let count = hits.add(1, ordering: .relaxed).newValue
            if count == plan.hit { kill(getpid(), SIGKILL) }
        }
    }
#else
    /// Places where a test may kill the process; they exist in debug builds only.
    public enum FailPoint {
        /// Does nothing.
        @inlinable
        public static func hit(_: StaticString) {}
    }
#endif
