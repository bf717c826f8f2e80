package import AuthModels
internal import CoreMetrics

/// Every counter, timer and gauge, and the closed sets that their labels are taken from.
///
/// Names and values are stable. No label ever holds what a person, a caller or a server chose: no
/// account, address, path or code. docs/observability.md has the same list for people.
package enum Metric: String, CaseIterable, Sendable {
    /// Calls of the API, each counted once, at its end. `method`, `status`, `outcome`.
    case apiCalls = "ksconnect_api_calls"
    /// From the call to its answer, tokens, retries and waits included. `method`, `status`.
    case apiCallDuration = "ksconnect_api_call_duration"
    /// Requests that were sent again. `cause`.
    case apiRetries = "ksconnect_api_retries"
    /// Retries that the policy allowed and the budget did not.
    case apiRetriesRefused = "ksconnect_api_retries_refused"
    /// Refreshes, each counted once, however many callers wait for it. `outcome`.
    case refreshes = "ksconnect_refreshes"
    /// From the first caller to the end, locks and waits included. `outcome`.
    case refreshDuration = "ksconnect_refresh_duration"
    /// Requests with a refresh token, by what came back. `answer`.
    case refreshRequests = "ksconnect_refresh_requests"
    /// Sign-ins that were asked for, each counted once, at its end. `outcome`.
    case signIns = "ksconnect_sign_ins"
    /// Sessions that ended, counted where it was seen to happen. `cause`.
    case sessionEnds = "ksconnect_session_ends"
    /// Revocations of refresh tokens that were due, by what became of each. `outcome`.
    case revocations = "ksconnect_revocations"
    /// Gauge: revocations that wait in this store, after the last were tried.
    case revocationsPending = "ksconnect_revocations_pending"
}

/// `outcome` of a refresh.
package enum RefreshOutcome: String, CaseIterable, Sendable {
    /// New tokens are stored.
    case refreshed
    /// Another process had refreshed; its tokens serve.
    case adopted
    /// Whoever asked was served or gone before anything was sent.
    case notNeeded
    /// Another process holds the lock, or the provider asked to be left alone.
    case busy
    /// No answer, or none that says anything; the session is kept.
    case transient
    /// The provider refused the client or the request; the session is kept.
    case rejected
    /// `invalid_grant`: the session has ended.
    case revoked
    /// The same after an answer was lost.
    case outcomeUnknown
    /// The tokens were for someone else; the session has ended.
    case identityChanged
    /// There is no refresh token.
    case expired
    /// Store, lock or key out of reach.
    case store
    /// Signed out meanwhile.
    case signedOut
    /// Another process had ended the session.
    case endedElsewhere
    case cancelled

    package var isFailure: Bool {
        switch self {
        case .refreshed, .adopted, .notNeeded, .signedOut: false
        case .busy, .transient, .rejected, .revoked, .outcomeUnknown, .identityChanged, .expired,
            .store, .endedElsewhere, .cancelled:
            true
        }
    }
}

/// `answer` to a request with a refresh token.
package enum RefreshReply: String, CaseIterable, Sendable {
    case tokens, identityChanged, invalidGrant, rejected, tooManyRequests, serverError, lost,
        notSent
}

/// `cause` of a session's end.
package enum SessionEnd: String, CaseIterable, Sendable {
    /// Somebody signed out.
    case asked
    case revoked, expired, outcomeUnknown, keyLost, identityChanged

    package init(_ reason: ExpiryReason) {
        self =
            switch reason {
            case .revoked: .revoked
            case .expired: .expired
            case .outcomeUnknown: .outcomeUnknown
            case .keyLost: .keyLost
            case .identityChanged: .identityChanged
            }
    }
}

/// `outcome` of a revocation.
package enum RevocationResult: String, CaseIterable, Sendable {
    /// The provider knows.
    case sent
    /// It will be tried again.
    case later
    /// It can never be sent; the token is left to expire.
    case impossible
}

/// `cause` of a retry.
package enum RetryCause: String, CaseIterable, Sendable {
    case unauthorized = "401"
    case badGateway = "502"
    case serviceUnavailable = "503"
    case gatewayTimeout = "504"
    /// The API wants its nonce in the proof of a bound token (RFC 9449 §9).
    case nonce
    /// No answer came.
    case connection
}

/// `method` of a call; any other than these is one.
package enum MethodLabel: String, CaseIterable, Sendable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
    case options = "OPTIONS"
    case other = "_OTHER"

    package init(_ method: String) { self = Self(rawValue: method) ?? .other }
}

/// `status` of a call: the class of its last answer.
package enum StatusLabel: String, CaseIterable, Sendable {
    case informational = "1xx"
    case success = "2xx"
    case redirection = "3xx"
    case clientError = "4xx"
    case serverError = "5xx"
    /// The call ended without an answer.
    case none

    package init(code: Int) {
        let classes: [StatusLabel] = [
            .informational, .success, .redirection, .clientError, .serverError,
        ]
        self = (100..<600).contains(code) ? classes[code / 100 - 1] : .none
    }
}

/// `outcome` of a call or a sign-in: how it went, or the error's ``AuthError/kind``.
package struct ResultLabel: Hashable, Sendable {
    package let text: String
    /// A call that was answered, whatever the status.
    package static let answered = ResultLabel(text: "answered")
    package static let signedIn = ResultLabel(text: "signedIn")

    private init(text: String) { self.text = text }
    package init(_ error: AuthError) { text = error.kind }
}

// MARK: - Recording

extension Observability {
    package func apiCall(
        _ method: MethodLabel, _ status: StatusLabel, _ outcome: ResultLabel, took: Duration?
    ) {
        let labels = [("method", method.rawValue), ("status", status.rawValue)]
        count(.apiCalls, labels + [("outcome", outcome.text)])
        time(.apiCallDuration, labels, took)
    }

    package func apiRetry(_ cause: RetryCause) { count(.apiRetries, [("cause", cause.rawValue)]) }

    package func apiRetryRefused() { count(.apiRetriesRefused, []) }

    package func refresh(_ outcome: RefreshOutcome, took: Duration?) {
        let labels = [("outcome", outcome.rawValue)]
        count(.refreshes, labels)
        time(.refreshDuration, labels, took)
    }

    package func refreshRequest(_ reply: RefreshReply) {
        count(.refreshRequests, [("answer", reply.rawValue)])
    }

    package func signIn(_ outcome: ResultLabel) { count(.signIns, [("outcome", outcome.text)]) }

    package func sessionEnded(_ cause: SessionEnd) {
        count(.sessionEnds, [("cause", cause.rawValue)])
    }

    package func revocation(_ result: RevocationResult) {
        count(.revocations, [("outcome", result.rawValue)])
    }

    package func revocationsPending(_ number: Int) {
        guard let metrics else { return }
        Gauge(label: Metric.revocationsPending.rawValue, dimensions: [], factory: metrics)
            .record(number)
    }

    private func count(_ metric: Metric, _ labels: [(String, String)]) {
        guard let metrics else { return }
        Counter(label: metric.rawValue, dimensions: labels, factory: metrics).increment()
    }

    /// - Parameter duration: nil where the clocks could not tell; nothing is recorded then.
    private func time(_ metric: Metric, _ labels: [(String, String)], _ duration: Duration?) {
        guard let metrics, let duration else { return }
        let (seconds, attoseconds) = duration.components
        Timer(label: metric.rawValue, dimensions: labels, factory: metrics)
            .recordNanoseconds(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
