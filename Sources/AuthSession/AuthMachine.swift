internal import AuthModels

/// The auth service as a pure, total state machine: no clock, no randomness, no waiting.
///
/// `step` answers every event in every state. What is late (another attempt's number) changes no
/// state, and gives back what it still holds: its lock, its tokens.
public struct AuthMachine: Hashable, Sendable {
    public typealias Step = (state: AuthState, effects: [AuthEffect])

    public let policy: RefreshPolicy

    public init(policy: RefreshPolicy = RefreshPolicy()) {
        self.policy = policy
    }

    public func step(_ state: AuthState, _ event: AuthEvent) -> Step {
        switch event {
        case .signInRequested(let attempt): signInRequested(state, attempt)
        case .redirectReceived(let attempt): redirectReceived(state, attempt)
        case .signInStored(let attempt, let session): signInStored(state, attempt, session)
        case .signInFailed(let attempt, let error): signInFailed(state, attempt, error)
        case .signInCancelled(let attempt): signInCancelled(state, attempt)
        case .tokenRequested(let waiter, let attempt, let now):
            tokenRequested(state, waiter, attempt, now)
        case .waiterCancelled(let id): waiterCancelled(state, id)
        case .refresh(let attempt, let result, let now):
            refreshStep(state, attempt, result, now)
        case .signOutRequested(let attempt): signOutRequested(state, attempt)
        case .signOutStored(let attempt): signOutStored(state, attempt)
        case .signOutFailed(let attempt, let error): signOutFailed(state, attempt, error)
        case .sessionObserved(let stored): sessionObserved(state, stored)
        }
    }

    /// The state that the store's content means.
    static func resting(_ stored: StoredSession) -> SigningIn.Resting {
        switch stored {
        case .none: .signedOut
        case .sealed(let record): .signedIn(SignedIn(record: record))
        case .opened(let session): .signedIn(SignedIn(session))
        case .expired(let record, let reason): .expired(record, reason)
        }
    }
}

// MARK: - Observation

extension AuthMachine {
    /// Takes over what the store says, unless something is under way that will read it itself, or
    /// memory is newer.
    private func sessionObserved(_ state: AuthState, _ stored: StoredSession) -> Step {
        switch state {
        case .signedOut, .expired:
            return (Self.resting(stored).state, [])
        case .signedIn(let current):
            switch stored {
            case .none:
                break
            case .sealed(let record):
                // Without the key there is nothing to take from the same generation.
                if record.generation <= current.record.generation { return (state, []) }
            case .opened(let session):
                if session.record.generation < current.record.generation { return (state, []) }
            case .expired(let record, _):
                if record.generation < current.record.generation { return (state, []) }
            }
            return (Self.resting(stored).state, [])
        case .signingIn, .refreshing, .signingOut:
            return (state, [])
        }
    }
}
