import AuthModels
import Glibc

/// The exit codes that scripts depend on; changing one is a breaking change.
enum ExitStatus: Int32, Sendable {
    case done = 0
    /// The API answered with a status that is no success.
    case apiRefused = 1
    case usage = 64
    /// No answer; the session is kept.
    case unavailable = 69
    case storeOrKeyring = 74
    case tryLater = 75
    case protocolBroken = 76
    case signInNeeded = 77
    case configuration = 78
    case hangup = 129
    case interrupted = 130
    case terminated = 143
}

extension ExitStatus {
    init(_ error: AuthError) {
        self =
            switch error {
            case .unauthorizedAfterRefresh, .insufficientScope, .bodyNotRepeatable: .apiRefused
            case .originNotAllowed: .usage
            case .transient, .tlsFailure, .callbackTimeout, .codeExchangeLost, .outcomeUnknown:
                .unavailable
            case .store(let error): ExitStatus(error)
            case .randomnessUnavailable: .storeOrKeyring
            case .busy, .portUnavailable: .tryLater
            case .authorizationResponseInvalid, .issuerMismatch, .discoveryInvalid,
                .tokenResponseInvalid, .idTokenInvalid, .userInfoInvalid, .protocolFailure,
                .responseTooLarge:
                .protocolBroken
            case .loginRequired, .authorizationDenied, .stepUpRequired: .signInNeeded
            // A 4xx without a word of JSON says nothing of the client: a proxy answers so too.
            case .tokenEndpointRejected(let code) where code.isEmpty: .unavailable
            case .configInvalid, .tokenEndpointRejected: .configuration
            case .cancelled: .interrupted
            }
    }

    init(_ error: StoreError) {
        self =
            switch error {
            case .unavailable(.busy), .key(.rotating): .tryLater
            case .unavailable(.permission), .unavailable(.full), .unavailable(.readOnly),
                .unavailable(.newerSchema), .unavailable(.inputOutput), .corrupt,
                .key(.unavailable), .key(.notAnswering), .key(.locked), .key(.dismissed),
                .key(.missing), .key(.lost), .key(.wrong), .key(.refused),
                .key(.passphraseNeeded), .key(.wrongPassphrase), .key(.noCredential):
                .storeOrKeyring
            case .key(.otherVault): .configuration
            case .key(.cancelled): .interrupted
            }
    }
}

/// Ends the process.
func end(_ status: ExitStatus) -> Never {
    exit(status.rawValue)
}
