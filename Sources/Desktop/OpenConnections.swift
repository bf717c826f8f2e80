internal import NIOCore
internal import Synchronization

/// The connections that have not been accepted as the redirect, oldest first, and their cap.
///
/// Over the cap the oldest goes, not the newest: idle preconnects and slow senders grow old, while
/// a browser sends its request in the moment in which it connects.
final class OpenConnections: Sendable {
    static let max = 64

    private let channels = Mutex<[any Channel]>([])

    func add(_ channel: any Channel) {
        let oldest = channels.withLock { channels -> (any Channel)? in
            channels.append(channel)
            return channels.count > Self.max ? channels.removeFirst() : nil
        }
        oldest?.close(promise: nil)
    }

    /// It was closed, or is the redirect itself and no longer subject to the cap.
    func remove(_ channel: any Channel) {
        channels.withLock { channels in channels.removeAll { $0 === channel } }
    }

    var count: Int { channels.withLock { $0.count } }
}
