public import AuthModels
public import OpenIDConnect
internal import Synchronization

/// The latest nonce of each server that gives any (RFC 9449 §8.2), in memory only: they live for
/// minutes, and asking for a new one costs one request.
///
/// The provider's and the API's are kept apart, as a value of each has no meaning at the other, even
/// where both have one origin.
public final class DPoPNonces: Sendable {
    /// More servers than one session has; what was used longest ago goes first.
    public static let originsMax = 8

    private let entries = Mutex<[(origin: WebURL.Origin, nonce: DPoPNonce)]>([])

    public init() {}

    public func nonce(for origin: WebURL.Origin) -> DPoPNonce? {
        entries.withLock { entries in entries.last { $0.origin == origin }?.nonce }
    }

    /// - Parameter nonce: nil leaves what there is.
    public func remember(_ nonce: DPoPNonce?, for origin: WebURL.Origin) {
        guard let nonce else { return }
        entries.withLock { entries in
            entries.removeAll { $0.origin == origin }
            entries.append((origin: origin, nonce: nonce))
            if entries.count > Self.originsMax { entries.removeFirst() }
        }
    }
}
