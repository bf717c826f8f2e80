extension AuthError {
    /// What a failed request means that may be repeated.
    public init(reading error: TransportError) {
        switch error {
        case .notSent(let reason), .answerLost(let reason):
            self = .transient(reason, retryAfter: nil)
        case .timedOut: self = .transient("no answer in time", retryAfter: nil)
        case .tls(let reason): self = .tlsFailure(reason)
        case .responseTooLarge: self = .responseTooLarge
        case .malformed(let reason): self = .protocolFailure(reason)
        case .cancelled: self = .cancelled
        }
    }
}
