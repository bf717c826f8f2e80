internal import Glibc

/// What the kernel lets this process have, looked at before anything is begun.
///
/// Libraries below (GLib, libgcrypt, the Swift runtime) end the process when they get no descriptor or
/// no memory. That must not happen between a refresh and its commit, so a process that is starved
/// from the start does not start.
public enum ProcessResources {
    /// Bus, database and its journal, lock, two sockets, event loop, TLS roots and streams, with
    /// some to spare.
    static let openFilesMin: rlim_t = 40
    /// Below this the runtime could not map its threads' stacks; measured with a debug build.
    static let addressSpaceBytesMin: rlim_t = 384 << 20

    /// Raises the soft limit of open files where it is too low and the hard one allows it.
    ///
    /// - Returns: what there is too little of, in words; nil when there is enough.
    public static func shortage() -> String? {
        var files = limit(RLIMIT_NOFILE)
        if files.rlim_cur < openFilesMin, files.rlim_max > files.rlim_cur {
            files.rlim_cur = min(files.rlim_max, 1024)
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
            files = limit(RLIMIT_NOFILE)
        }
        if files.rlim_cur < openFilesMin {
            return "\(files.rlim_cur) files may be open at once (ulimit -n); "
                + "\(openFilesMin) are needed"
        }
        let space = limit(RLIMIT_AS).rlim_cur
        if space < addressSpaceBytesMin {
            return "\(space >> 20) MiB of address space may be used (ulimit -v); "
                + "\(addressSpaceBytesMin >> 20) MiB are needed"
        }
        return nil
    }

    /// A limit that cannot be read is taken for none.
    private static func limit(_ resource: __rlimit_resource) -> rlimit {
        var value = rlimit(rlim_cur: .max, rlim_max: .max)
        getrlimit(__rlimit_resource_t(resource.rawValue), &value)
        return value
    }
}
