/// What went wrong, split by what the caller does about it.
///
/// No case ever holds a secret; texts from the other side are escaped and capped before they get here.
public enum AuthError: Error, Hashable, Sendable {
    // Try again later; the session is kept.
    /// No answer, a 5xx or an answer that was no answer. Says what; may name a time to wait.
    case transient(String, retryAfter: Duration?)
    /// A 429, a lock or a store held by others too long.
    case busy(String, retryAfter: Duration?)
    case tlsFailure(String)
    case cancelled

    // Sign in again.
    case loginRequired(LoginReason)

    // Signing in.
    case callbackTimeout
    case portUnavailable(Int)
    /// The provider said no; its error code (RFC 6749 §4.1.2.1).
    case authorizationDenied(code: String)
    /// The answer to the code exchange was lost; the code is not sent twice.
    case codeExchangeLost(String)

    // The other side broke the protocol; nothing of it is kept.
    case authorizationResponseInvalid(String)
    case issuerMismatch
    case discoveryInvalid(String)
    case tokenResponseInvalid(String)
    case idTokenInvalid(String)
    case userInfoInvalid(String)
    case protocolFailure(String)
    case responseTooLarge

    // Configuration.
    case configInvalid(String)
    /// The provider refused the client or the request (RFC 6749 §5.2); its error code.
    case tokenEndpointRejected(code: String)
    case originNotAllowed

    // The API.
    case unauthorizedAfterRefresh
    case insufficientScope(String?)
    case stepUpRequired(acrValues: String?, maxAge: Int?)
    /// The body could be sent only once and the access token was refused.
    case bodyNotRepeatable
    /// A call that must not be repeated may have been carried out: its answer is lost or no answer.
    case outcomeUnknown(String)

    // Store or key out of reach.
    case store(StoreError)
    case randomnessUnavailable
}

/// Why nobody is signed in.
public enum LoginReason: Hashable, Sendable {
    /// Nobody is signed in to this account.
    case never
    case ended(ExpiryReason)
}

extension AuthError {
    /// A stable name for programs (`loginRequired`, `storeUnavailable`…).
    public var kind: String {
        switch self {
        case .transient: "transient"
        case .busy: "busy"
        case .tlsFailure: "tlsFailure"
        case .cancelled: "cancelled"
        case .loginRequired: "loginRequired"
        case .callbackTimeout: "callbackTimeout"
        case .portUnavailable: "portUnavailable"
        case .authorizationDenied: "authorizationDenied"
        case .codeExchangeLost: "codeExchangeLost"
        case .authorizationResponseInvalid: "authorizationResponseInvalid"
        case .issuerMismatch: "issuerMismatch"
        case .discoveryInvalid: "discoveryInvalid"
        case .tokenResponseInvalid: "tokenResponseInvalid"
        case .idTokenInvalid: "idTokenInvalid"
        case .userInfoInvalid: "userInfoInvalid"
        case .protocolFailure: "protocolFailure"
        case .responseTooLarge: "responseTooLarge"
        case .configInvalid: "configInvalid"
        case .tokenEndpointRejected: "tokenEndpointRejected"
        case .originNotAllowed: "originNotAllowed"
        case .unauthorizedAfterRefresh: "unauthorizedAfterRefresh"
        case .insufficientScope: "insufficientScope"
        case .stepUpRequired: "stepUpRequired"
        case .bodyNotRepeatable: "bodyNotRepeatable"
        case .outcomeUnknown: "outcomeUnknown"
        case .store(let error): error.kind
        case .randomnessUnavailable: "randomnessUnavailable"
        }
    }
}

extension StoreError {
    /// A stable name for programs.
    public var kind: String {
        switch self {
        case .corrupt: "storeCorrupt"
        case .unavailable: "storeUnavailable"
        case .key(.unavailable), .key(.notAnswering), .key(.refused): "keyringUnavailable"
        case .key(.locked), .key(.dismissed), .key(.passphraseNeeded), .key(.wrongPassphrase):
            "keyringLocked"
        case .key(.missing), .key(.lost), .key(.wrong), .key(.noCredential): "keyringKeyMissing"
        case .key(.rotating): "keyRotating"
        case .key(.otherVault): "configInvalid"
        case .key(.cancelled): "cancelled"
        }
    }
}
