internal import AuthModels
internal import Dispatch
internal import GRDB
internal import Glibc
internal import Synchronization

/// One SQLite connection, opened at its first use and driven on a queue of its own, so that neither
/// a busy file nor a slow disk holds a thread of the cooperative pool.
///
/// Work that was begun is never given up when its task is cancelled: a commit that a caller no
/// longer waits for must still be kept.
final class StoreConnection: Sendable {
    let files: StoreFiles
    private let queue = DispatchQueue(label: "ksconnect.store")
    private let opened = Mutex<DatabaseQueue?>(nil)

    /// How long another process's transaction is waited for.
    static let busyLimit: Duration = .seconds(8)

    init(directory: String) {
        files = StoreFiles(directory: directory)
    }

    /// Reads; nil where no store was ever made. Creates nothing.
    func readIfPresent<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value? {
        try await run { [self] in
            guard let database = try database(creating: false) else { return nil }
            return try database.read(body)
        }
    }

    /// One transaction, begun with the write lock taken, durable when it returns.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value {
        let value = try await run { [self] in
            try database(creating: true)?.write(body)
        }
        guard let value else { throw .unavailable(.inputOutput("the store was not made")) }
        return value
    }

    /// One transaction; nil where no store was ever made.
    func writeIfPresent<Value: Sendable>(
        _ body: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreError) -> Value? {
        try await run { [self] in
            guard let database = try database(creating: false) else { return nil }
            return try database.write(body)
        }
    }

    /// Runs blocking work on the connection's queue.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) async throws(StoreError) -> Value {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            queue.async {
                do {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(StoreError(mapping: error)))
                }
            }
        }
        return try result.get()
    }

    private func database(creating: Bool) throws -> DatabaseQueue? {
        if let database = opened.withLock({ $0 }) { return database }
        guard try files.checkDirectory() || creating else { return nil }
        if try files.checkDatabase() == .missing {
            guard creating else { return nil }
            try create()
        }
        let database = try Self.openChecked(files.database)
        opened.withLock { $0 = database }
        return database
    }

    private static func openChecked(_ path: String) throws -> DatabaseQueue {
        try DatabaseHeader.refuseWriteAheadLog(path)
        let database = try DatabaseQueue(path: path, configuration: configuration)
        let isBehind = try database.read { db in
            try StoreSchema.check(db) {
                guard case .file(let size) = try StoreFiles.check(path) else { return 0 }
                return size
            }
        }
        if isBehind { try database.write(StoreSchema.migrate) }
        return database
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "ksconnect.store"
        configuration.busyMode = .timeout(busyLimit.inSeconds)
        configuration.prepareDatabase { db in
            // EXTRA: after a commit the folder is synced too, or a power loss could bring the old
            // rollback journal back, and with it a refresh token that was already rotated.
            // secure_delete: what was replaced is overwritten, free pages included.
            // The journal mode is DELETE, SQLite's own default; nothing sets another.
            try db.execute(
                sql: """
                    PRAGMA synchronous = EXTRA;
                    PRAGMA secure_delete = ON;
                    PRAGMA temp_store = MEMORY;
                    PRAGMA trusted_schema = OFF;
                    PRAGMA cell_size_check = ON;
                    """)
        }
        return configuration
    }

    /// Builds the store under another name and renames it: nobody ever sees half of one, and a file
    /// without a byte is damage and not a beginning. Twenty processes make one.
    private func create() throws {
        try files.createDirectory()
        let lock = try waitForLock(files.creationLock)
        defer { withExtendedLifetime(lock) {} }
        guard try files.checkDatabase() == .missing else { return }
        for leftover in [files.newDatabase, files.newDatabase + "-journal"] {
            if unlink(leftover) != 0, errno != ENOENT {
                throw StoreFiles.fault(errno, leftover)
            }
        }
        close(try StoreFiles.openOrCreate(files.newDatabase))
        let id = try StoreID(random: ())
        let database = try DatabaseQueue(
            path: files.newDatabase, configuration: Self.configuration)
        try database.write { try StoreSchema.create($0, id: id) }
        try database.close()
        if rename(files.newDatabase, files.database) != 0 {
            throw StoreFiles.fault(errno, files.database)
        }
        try StoreFiles.syncFolder(files.directory)
    }

    /// Waits on this connection's own thread.
    func waitForLock(_ path: String) throws -> FileLock {
        let deadline = ContinuousClock.now + Self.busyLimit
        while ContinuousClock.now < deadline {
            if let lock = try FileLock.attempt(path) { return lock }
            usleep(UInt32.random(in: 2_000...20_000))
        }
        throw StoreError.unavailable(.busy)
    }
}

/// The database file's header, read before SQLite opens the file.
private enum DatabaseHeader {
    /// Files that were looked at by this process. Closing a second descriptor of a file drops the
    /// locks that SQLite holds on it here, so each file is looked at once, before its first
    /// connection.
    private static let known = Mutex<Set<String>>([])

    /// A file that was switched to a write-ahead log is refused and not converted: this software
    /// never writes one, so something else did; old tokens may lie in the log; and below the SQLite
    /// versions of ``SQLiteVersion/hasSafeWriteAheadLog`` opening it risks the file.
    static func refuseWriteAheadLog(_ path: String) throws {
        try known.withLock { known in
            if known.contains(path) { return }
            let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
            guard descriptor >= 0 else { throw StoreFiles.fault(errno, path) }
            defer { close(descriptor) }
            var header = [UInt8](repeating: 0, count: 20)
            let count = read(descriptor, &header, header.count)
            guard count == header.count else {
                throw StoreError.corrupt("\(path) is cut short. It is left as it is")
            }
            guard header[18] == 1, header[19] == 1 else {
                throw StoreError.corrupt(
                    "\(path) is no token store, or was switched to a write-ahead log. "
                        + "It is left as it is")
            }
            known.insert(path)
        }
    }
}

extension StoreError {
    /// What GRDB and the system say, as what a caller can do about it.
    init(mapping error: any Error) {
        if let error = error as? StoreError {
            self = error
            return
        }
        if error is RowDecodingError {
            self = .corrupt("a value of the store cannot be read. The file is left as it is")
            return
        }
        guard let error = error as? DatabaseError else {
            self = .unavailable(.inputOutput("the store cannot be used"))
            return
        }
        let reason = "SQLite says \(error.extendedResultCode.rawValue): \(error.message ?? "")"
        switch error.resultCode {
        case .SQLITE_FULL: self = .unavailable(.full)
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .unavailable(.busy)
        case .SQLITE_READONLY: self = .unavailable(.readOnly)
        case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_AUTH: self = .unavailable(.permission(reason))
        // A missing table or column in a file that says it has this schema is damage too.
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_ERROR, .SQLITE_MISMATCH, .SQLITE_CONSTRAINT,
            .SQLITE_FORMAT:
            self = .corrupt("\(reason). The file is left as it is")
        // A write that fails is a quota or a limit of size, which SQLite does not tell from others.
        case .SQLITE_IOERR where error.extendedResultCode == .SQLITE_IOERR_WRITE:
            self = .unavailable(.full)
        default: self = .unavailable(.inputOutput(reason))
        }
    }
}
