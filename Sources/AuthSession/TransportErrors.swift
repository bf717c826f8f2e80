internal import AuthModels

// One transport error means three things, depending on what was sent.

extension AuthError {
    init(exchangingCode fault: TokenRequestFault) {
        switch fault {
        case .notSent(let error): self = error
        case .transport(let error): self.init(exchangingCode: error)
        }
    }

    /// For the code exchange: where the request may have arrived, the code is spent (RFC 6749
    /// §4.1.2) and the sign-in has to start again.
    init(exchangingCode error: TransportError) {
        switch error {
        case .answerLost(let reason): self = .codeExchangeLost(reason)
        case .timedOut(mayHaveArrived: true): self = .codeExchangeLost("no answer in time")
        case .notSent, .tls, .timedOut, .responseTooLarge, .malformed, .cancelled:
            self.init(reading: error)
        }
    }
}

extension RefreshAnswer {
    init(_ fault: TokenRequestFault) {
        switch fault {
        case .notSent(let error): self = .notSent(error)
        case .transport(let error): self.init(error)
        }
    }

    /// For a refresh: all that counts is whether the refresh token may have been used.
    init(_ error: TransportError) {
        switch error {
        case .notSent, .tls, .timedOut(mayHaveArrived: false):
            self = .notSent(AuthError(reading: error))
        case .answerLost(let reason): self = .lost(reason)
        case .timedOut(mayHaveArrived: true): self = .lost("no answer in time")
        case .responseTooLarge: self = .lost("the answer is too large")
        case .malformed(let reason): self = .lost(reason)
        case .cancelled: self = .lost("the request was cancelled")
        }
    }
}
