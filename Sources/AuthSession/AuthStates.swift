internal import Synchronization

/// The states of one ``AuthService``, from the current one on; a UI binds to it.
///
/// Every iterator gets its own stream. A slow reader misses states in between and always gets the
/// latest; the sequence ends when the service is gone.
public struct AuthStates: AsyncSequence, Sendable {
    public typealias Element = AuthState
    let hub: StateHub

    public struct AsyncIterator: AsyncIteratorProtocol {
        var base: AsyncStream<AuthState>.Iterator

        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async -> AuthState? {
            await base.next(isolation: actor)
        }
    }

    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(base: hub.stream().makeAsyncIterator())
    }
}

/// Hands each new state to every open stream.
final class StateHub: Sendable {
    private struct Content {
        var state: AuthState
        var streams: [UInt64: AsyncStream<AuthState>.Continuation] = [:]
        var nextID: UInt64 = 0
    }

    private let content: Mutex<Content>

    init(_ state: AuthState) {
        content = Mutex(Content(state: state))
    }

    deinit {
        for stream in content.withLock({ $0.streams }).values { stream.finish() }
    }

    func publish(_ state: AuthState) {
        let streams = content.withLock { content in
            content.state = state
            return content.streams.values
        }
        for stream in streams { stream.yield(state) }
    }

    func stream() -> AsyncStream<AuthState> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: AuthState.self, bufferingPolicy: .bufferingNewest(1))
        let id = content.withLock { content in
            content.nextID += 1
            content.streams[content.nextID] = continuation
            continuation.yield(content.state)
            return content.nextID
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.content.withLock { $0.streams.removeValue(forKey: id) }
        }
        return stream
    }
}
