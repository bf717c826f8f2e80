internal import CDesktop
internal import Glibc

/// What a process that holds tokens asks of the kernel, first thing in `main`.
public enum ProcessHardening {
    /// Neither core dumps nor debuggers of the same user get to see the memory
    /// (`RLIMIT_CORE` 0, `PR_SET_DUMPABLE` 0), a crash ends the process at once, and a reader that
    /// went away is an error of `write` rather than the end of the process.
    ///
    /// - Returns: whether the kernel agreed to all of it.
    @discardableResult
    public static func apply() -> Bool {
        ignoreBrokenPipes()
        ignoreFileSizeLimit()
        endAtCrashes()
        return forbidDumps()
    }

    /// Turns core dumps and tracing by the same user off; children that run another program are
    /// dumpable again.
    public static func forbidDumps() -> Bool {
        cdesktop_forbid_dumps() == 0
    }

    /// `EFBIG` instead of `SIGXFSZ`, so that a store that may not grow is told and not the end.
    public static func ignoreFileSizeLimit() {
        signal(SIGXFSZ, SIG_IGN)
    }

    /// No backtrace: the runtime's handlers wait for ever for a process that may not be traced, and
    /// would print registers and memory, where secrets may be.
    public static func endAtCrashes() {
        for number in [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP] {
            signal(number, SIG_DFL)
        }
    }

    /// `EPIPE` instead of `SIGPIPE`.
    public static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }
}
