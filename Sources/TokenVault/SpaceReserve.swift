internal import AuthModels
internal import GRDB
internal import Glibc

/// Makes sure of the space that a refresh's answer will need, before the request is sent: a token
/// that was rotated and cannot be written down is lost.
///
/// Two things can be short: the file may not be allowed to grow (a limit of size, a quota), and the
/// disk may have no blocks left for the rollback journal of the commit.
enum SpaceReserve {
    /// What the largest answer's tokens take, sealed.
    private static let pages = 56
    private static let journalBytes = 512 * 1024

    /// Leaves free pages inside the file: once they are there the commit need not grow it.
    static func prove(_ db: Database) throws {
        let free = try Int.fetchOne(db, sql: "PRAGMA freelist_count") ?? 0
        guard free < pages else { return }
        let size = try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096
        try db.execute(
            sql: """
                CREATE TABLE reserve (pad BLOB);
                INSERT INTO reserve VALUES (zeroblob(\(pages * size)));
                DROP TABLE reserve;
                """)
    }

    /// Takes blocks of the disk for as long as the request is under way. They are zeros in a file
    /// of their own, so giving them back is one `unlink` and needs no space itself.
    static func hold(
        _ files: StoreFiles, _ account: AccountName
    ) throws(StoreError) {
        try files.createLocksDirectory()
        let path = path(files, account)
        let descriptor = try StoreFiles.openOrCreate(path)
        defer { close(descriptor) }
        let code = posix_fallocate(descriptor, 0, off_t(journalBytes))
        guard code == 0 else {
            unlink(path)
            throw StoreFiles.fault(code, path)
        }
    }

    static func release(_ files: StoreFiles, _ account: AccountName) {
        unlink(path(files, account))
    }

    private static func path(_ files: StoreFiles, _ account: AccountName) -> String {
        "\(files.locks)/\(account.fileName).reserve"
    }
}
