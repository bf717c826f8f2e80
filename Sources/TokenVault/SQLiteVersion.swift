/// Which SQLite is linked, and what must not be asked of it.
public struct SQLiteVersion: Comparable, Hashable, Sendable, CustomStringConvertible {
    public var major: Int
    public var minor: Int
    public var patch: Int

    public init(_ major: Int, _ minor: Int, _ patch: Int) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// Reads what `sqlite_version()` gives, as "3.40.1".
    public init?(_ text: String) {
        let parts = text.split(separator: ".").compactMap { Int($0) }
        guard parts.count >= 3 else { return nil }
        self.init(parts[0], parts[1], parts[2])
    }

    /// Whether a write-ahead log is safe. From 3.7.0 on a log that is reset while a checkpoint runs
    /// could corrupt the file; mended in 3.51.3, 3.50.7 and 3.44.6.
    public var hasSafeWriteAheadLog: Bool {
        if self >= SQLiteVersion(3, 51, 3) { return true }
        if major == 3, minor == 50 { return patch >= 7 }
        if major == 3, minor == 44 { return patch >= 6 }
        return false
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.major, left.minor, left.patch) < (right.major, right.minor, right.patch)
    }

    public var description: String { "\(major).\(minor).\(patch)" }
}
