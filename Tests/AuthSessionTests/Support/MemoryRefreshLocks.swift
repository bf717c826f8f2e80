import AuthModels
import Synchronization
import Testing

/// One lock per account, handed on in order of arrival; releasing what is not held fails.
final class MemoryRefreshLocks: RefreshLocking {
    private struct Content {
        var holders: Set<AccountName> = []
        var queues: [AccountName: [CheckedContinuation<Void, Never>]] = [:]
    }

    private let content = Mutex(Content())

    func isHeld(_ account: AccountName = .default) -> Bool {
        content.withLock { $0.holders.contains(account) }
    }

    /// Time does not pass here: whoever may wait at all waits until it is free.
    func acquire(
        _ account: AccountName, within: Duration
    ) async throws(RefreshLockError) -> any HeldRefreshLock {
        let isFree = content.withLock { $0.holders.insert(account).inserted }
        if !isFree {
            guard within > .zero else { throw .busy }
            await withCheckedContinuation { continuation in
                let isFreeNow = content.withLock { content in
                    if content.holders.insert(account).inserted { return true }
                    content.queues[account, default: []].append(continuation)
                    return false
                }
                if isFreeNow { continuation.resume() }
            }
        }
        return Held(locks: self, account: account)
    }

    private func hand(on account: AccountName) {
        let next = content.withLock { content -> CheckedContinuation<Void, Never>? in
            #expect(content.holders.contains(account))
            guard var queue = content.queues[account], !queue.isEmpty else {
                content.holders.remove(account)
                return nil
            }
            let next = queue.removeFirst()
            content.queues[account] = queue
            return next
        }
        next?.resume()
    }

    private final class Held: HeldRefreshLock {
        private let locks: MemoryRefreshLocks
        private let account: AccountName
        private let isReleased = Mutex(false)

        init(locks: MemoryRefreshLocks, account: AccountName) {
            self.locks = locks
            self.account = account
        }

        deinit { release() }

        func release() {
            let isFirst = isReleased.withLock { isReleased in
                defer { isReleased = true }
                return !isReleased
            }
            if isFirst { locks.hand(on: account) }
        }
    }
}
