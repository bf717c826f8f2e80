internal import AuthModels
internal import HTTPTypes
internal import Synchronization
internal import Telemetry

/// Makes counters, timers and spans of one call of the API; a call that nothing looks at has none.
final class CallWatch: Sendable {
    private let observability: Observability
    private let clock: any AuthClock
    private let method: MethodLabel
    private let began: Moment
    private let span: OpenSpan?
    private let sends = Mutex(0)

    /// - Returns: nil when nothing is to be observed.
    init?(_ observability: Observability, _ request: APIRequest, _ clock: any AuthClock) {
        guard observability.isOn else { return nil }
        self.observability = observability
        self.clock = clock
        method = MethodLabel(request.method.rawValue)
        began = clock.now()
        span = observability.begin(.apiCall)
    }

    /// Runs the call; a refresh that it causes belongs to it.
    func watch(
        _ call: nonisolated(nonsending) () async -> Result<HTTPAnswer, AuthError>
    ) async -> Result<HTTPAnswer, AuthError> {
        let result: Result<HTTPAnswer, AuthError>
        if let span { result = await span.within(call) } else { result = await call() }
        let took = clock.now().elapsed(since: began)
        switch result {
        case .success(let answer):
            let status = StatusLabel(code: answer.response.status.code)
            observability.apiCall(method, status, .answered, took: took)
        case .failure(let error):
            observability.apiCall(method, StatusLabel(error), ResultLabel(error), took: took)
        }
        span?.end(result)
        return result
    }

    /// One request of the call, which may be the first or sent again.
    func begin(_ request: HTTPRequest) -> OpenSpan? {
        let earlier = sends.withLock { count in
            defer { count += 1 }
            return count
        }
        return observability.begin(request, resends: earlier)
    }

    func willRetry(_ cause: RetryCause) { observability.apiRetry(cause) }

    func mayNotRetry() { observability.apiRetryRefused() }
}

extension RetryCause {
    /// Why the policy allows another attempt after this one.
    init(_ result: Result<HTTPAnswer, AuthError>) {
        self =
            switch result {
            case .success(let answer):
                RetryCause(rawValue: String(answer.response.status.code)) ?? .connection
            case .failure: .connection
            }
    }
}

extension StatusLabel {
    /// The class of the answer that the error stands for.
    fileprivate init(_ error: AuthError) {
        switch error {
        case .unauthorizedAfterRefresh, .insufficientScope, .stepUpRequired, .bodyNotRepeatable:
            self = .clientError
        default: self = .none
        }
    }
}
