internal import AuthModels
internal import Telemetry

extension RefreshOutcome {
    /// How a refresh went, by what ended it.
    ///
    /// - Parameter start: the session's generation when the refresh began.
    init(_ refreshing: Refreshing, endedBy event: AuthEvent, since start: Generation) {
        // Nothing but a sign-out ends one from outside.
        guard case .refresh(_, let result, _) = event else {
            self = .signedOut
            return
        }
        self =
            switch result {
            case .committed: .refreshed
            case .read(let stored): Self.of(stored, since: start)
            case .lockFailed(.busy): .busy
            case .lockFailed(.cancelled): .cancelled
            case .lockFailed(.unavailable), .readFailed, .markFailed, .expireFailed: .store
            case .answered(_, .rejected): .rejected
            case .answered: .transient
            case .closed: Self.of(refreshing.stage)
            case .expired: Self.of(refreshing.stage)
            case .locked, .waited, .marked, .commitFailed, .disposed: .notNeeded
            }
    }

    /// What was found under the lock, with nothing left to send.
    private static func of(_ stored: StoredSession, since start: Generation) -> RefreshOutcome {
        switch stored {
        case .none: .signedOut
        case .expired: .endedElsewhere
        case .sealed: .store
        case .opened(let session):
            if session.record.generation > start {
                .adopted
            } else if !session.record.hasRefreshToken {
                .expired
            } else if session.record.mark != nil {
                .busy
            } else {
                .notNeeded
            }
        }
    }

    private static func of(_ stage: Refreshing.Stage) -> RefreshOutcome {
        switch stage {
        case .closing(.tokenEndpointRejected): .rejected
        case .closing(.busy): .busy
        case .expiring(_, .revoked): .revoked
        case .expiring(_, .outcomeUnknown): .outcomeUnknown
        case .expiring(_, .identityChanged): .identityChanged
        case .expiring(_, .expired), .expiring(_, .keyLost): .expired
        case .closing, .locking, .reading, .settling, .marking, .requesting, .confirming,
            .committing, .pausing:
            .transient
        }
    }
}
