internal import AuthModels
internal import Glibc

/// The store's folder and files, checked by what they are before anything is read or written.
///
/// Files are looked at with `lstat` and not opened: closing any descriptor of the database would
/// drop the locks that SQLite holds on it in this process (POSIX record locks).
struct StoreFiles: Sendable {
    let directory: String

    /// - Parameter directory: a relative path is taken from the current folder, now.
    init(directory: String) {
        // `lstat` of "folder/" would follow a link that "folder" is.
        var path = directory
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        if !path.hasPrefix("/"), let current = getcwd(nil, 0) {
            path = String(cString: current) + "/" + path
            free(current)
        }
        self.directory = path
    }

    var database: String { directory + "/store.sqlite" }
    /// Where a new database is built before it is renamed into place.
    var newDatabase: String { directory + "/store.sqlite.new" }
    /// Held while a database or a key is being made.
    var creationLock: String { directory + "/store.lock" }
    var locks: String { directory + "/locks" }

    enum Kind: Equatable {
        case missing
        case file(size: Int64)
    }

    /// - Returns: false when the folder does not exist.
    func checkDirectory() throws(StoreError) -> Bool {
        try Self.checkDirectory(directory)
    }

    static func checkDirectory(_ path: String) throws(StoreError) -> Bool {
        guard let facts = try facts(of: path) else { return false }
        guard facts.st_mode & S_IFMT == S_IFDIR else {
            throw .unavailable(.permission("\(path) is not a folder\(linkHint(facts))"))
        }
        try checkOwner(facts, path)
        guard facts.st_mode & 0o022 == 0 else {
            throw .unavailable(
                .permission("\(path) can be written by others; chmod 700 it and look what is in it")
            )
        }
        if facts.st_mode & 0o055 != 0 { try closeToOthers(path) }
        return true
    }

    /// Readable by others is harmless to what is sealed, but the store promises 0700. A folder that
    /// holds anything else is not the store's to close (`--data-dir /`).
    private static func closeToOthers(_ path: String) throws(StoreError) {
        guard try holdsNothingElse(path) else {
            throw .unavailable(
                .permission(
                    "\(path) can be read by others and holds other files; name a folder of its own")
            )
        }
        if chmod(path, 0o700) != 0 { throw fault(errno, path) }
    }

    private static func holdsNothingElse(_ path: String) throws(StoreError) -> Bool {
        guard let folder = opendir(path) else { throw fault(errno, path) }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let isOurs =
                name == "." || name == ".." || name.hasPrefix("store.") || name == "locks"
                || name.hasSuffix(".lock") || name.hasSuffix(".reserve")
            if !isOurs { return false }
        }
        return true
    }

    /// Makes the folder, and missing folders above it, 0700 from the start whatever the umask.
    func createDirectory() throws(StoreError) {
        if try checkDirectory() { return }
        var path = ""
        for part in directory.split(separator: "/") {
            path += "/" + part
            var info = stat()
            if stat(path, &info) == 0 { continue }
            try Self.makeFolder(path)
        }
        guard try checkDirectory() else { throw Self.fault(ENOENT, directory) }
    }

    func createLocksDirectory() throws(StoreError) {
        try createDirectory()
        if try Self.checkDirectory(locks) { return }
        try Self.makeFolder(locks)
    }

    private static func makeFolder(_ path: String) throws(StoreError) {
        if mkdir(path, 0o700) != 0 {
            if errno == EEXIST { return }
            throw fault(errno, path)
        }
        // A umask such as 0777 takes away more than others' rights.
        if chmod(path, 0o700) != 0 { throw fault(errno, path) }
    }

    /// Looks at the database and what SQLite keeps beside it.
    func checkDatabase() throws(StoreError) -> Kind {
        let kind = try Self.check(database)
        guard case .file(let size) = kind else { return .missing }
        guard size > 0 else {
            throw .corrupt("\(database) is empty; a store is never that. It is left as it is")
        }
        _ = try Self.check(database + "-journal")
        for suffix in ["-wal", "-shm"] where try Self.check(database + suffix) != .missing {
            throw .corrupt(
                "\(database + suffix) exists, but this software never writes one. "
                    + "Both files are left as they are")
        }
        return kind
    }

    /// A regular file of this user with one name and mode 0600, or nothing.
    static func check(_ path: String) throws(StoreError) -> Kind {
        guard let facts = try facts(of: path) else { return .missing }
        guard facts.st_mode & S_IFMT == S_IFREG else {
            throw .unavailable(.permission("\(path) is not a regular file\(linkHint(facts))"))
        }
        try checkOwner(facts, path)
        guard facts.st_nlink <= 1 else {
            throw .unavailable(.permission("\(path) has a second name (hard link); remove it"))
        }
        guard facts.st_mode & 0o177 == 0 else {
            throw .unavailable(.permission("\(path) is open to others; chmod 600 it"))
        }
        return .file(size: Int64(facts.st_size))
    }

    /// Makes an empty file, 0600 before its first byte, or opens the one that is there.
    ///
    /// - Returns: a descriptor that a child process does not inherit.
    static func openOrCreate(_ path: String) throws(StoreError) -> Int32 {
        let flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK
        for _ in 0..<10 {
            let made = open(path, flags | O_CREAT | O_EXCL, 0o600)
            if made >= 0 {
                if fchmod(made, 0o600) == 0 { return made }
                let code = errno
                close(made)
                throw fault(code, path)
            }
            guard errno == EEXIST else { throw fault(errno, path) }
            guard try check(path) != .missing else { continue }
            let opened = open(path, flags)
            if opened >= 0 { return opened }
            guard errno == ENOENT else { throw fault(errno, path) }
        }
        throw .unavailable(.inputOutput("\(path) appears and disappears"))
    }

    /// Writes a folder's entries to disk.
    static func syncFolder(_ path: String) throws(StoreError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fault(errno, path) }
        defer { close(descriptor) }
        // Some file systems cannot sync a folder and say EINVAL; they keep their entries
        // themselves.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw fault(errno, path) }
    }

    private static func facts(of path: String) throws(StoreError) -> stat? {
        var info = stat()
        if lstat(path, &info) == 0 { return info }
        if errno == ENOENT { return nil }
        throw fault(errno, path)
    }

    private static func checkOwner(_ facts: stat, _ path: String) throws(StoreError) {
        guard facts.st_uid == geteuid() else {
            throw .unavailable(.permission("\(path) belongs to another user (\(facts.st_uid))"))
        }
    }

    private static func linkHint(_ facts: stat) -> String {
        facts.st_mode & S_IFMT == S_IFLNK ? " but a symbolic link" : ""
    }

    static func fault(_ code: Int32, _ path: String) -> StoreError {
        let reason = "\(path): \(String(cString: strerror(code)))"
        switch code {
        case ENOSPC, EDQUOT, EFBIG: return .unavailable(.full)
        case EROFS: return .unavailable(.readOnly)
        case EACCES, EPERM, ELOOP, ENOTDIR: return .unavailable(.permission(reason))
        default: return .unavailable(.inputOutput(reason))
        }
    }
}
