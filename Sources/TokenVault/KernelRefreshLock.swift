public import AuthModels
internal import Crypto
internal import FoundationEssentials
internal import Synchronization

/// One lock file for each account under `locks/` of the data folder, until the account is removed.
public struct KernelRefreshLock: RefreshLocking {
    private let files: StoreFiles

    /// - Parameter directory: the data folder, an absolute path; made when a lock is first taken.
    public init(directory: String) {
        files = StoreFiles(directory: directory)
    }

    public func acquire(
        _ account: AccountName, within limit: Duration
    ) async throws(RefreshLockError) -> any HeldRefreshLock {
        do {
            return try await hold(account, within: limit)
        } catch let error as RefreshLockError {
            throw error
        } catch is CancellationError {
            throw .cancelled
        } catch StoreError.unavailable(let fault) {
            throw .unavailable(fault)
        } catch {
            throw .unavailable(.inputOutput("the lock's file cannot be used"))
        }
    }

    private func hold(
        _ account: AccountName, within limit: Duration
    ) async throws -> any HeldRefreshLock {
        try files.createLocksDirectory()
        let lock = try await FileLock.acquire(files.lock(of: account), within: limit) { pause in
            try await Task.sleep(for: pause)
        }
        guard let lock else { throw RefreshLockError.busy }
        return HeldKernelLock(lock)
    }
}

extension StoreFiles {
    func lock(of account: AccountName) -> String { "\(locks)/\(account.fileName).lock" }
}

extension AccountName {
    /// A digest, since an account's name may hold a slash or be longer than a file's may be.
    var fileName: String { Hex.encode(Array(SHA256.hash(data: column)).prefix(16)) }
}

/// Lets go when told to, when the last reference goes, and when the process ends.
private final class HeldKernelLock: HeldRefreshLock {
    private let lock: Mutex<FileLock?>

    init(_ lock: FileLock) { self.lock = Mutex(lock) }

    func release() {
        lock.withLock { $0 = nil }
    }
}
