package import AuthModels
package import HTTPTypes
internal import Tracing

/// A span that has begun: of a refresh, a sign-in, a call of the API, or one HTTP request.
///
/// Attributes are named as OpenTelemetry's semantic conventions name them. What a server or a caller
/// wrote gets in only as a status code and a URL without its query; errors are told by their kind.
package struct OpenSpan: Sendable {
    let span: any Span

    // MARK: End

    package func end(_ outcome: RefreshOutcome) {
        end(outcome.rawValue, errorType: outcome.isFailure ? outcome.rawValue : nil)
    }

    package func end<Success>(_ result: Result<Success, AuthError>) {
        switch result {
        case .success: end("succeeded", errorType: nil)
        case .failure(let error): end("failed", errorType: error.kind)
        }
    }

    /// Ends a request that was answered.
    package func end(_ status: HTTPResponse.Status) {
        guard span.isRecording else { return span.end() }
        span.attributes["http.response.status_code"] = status.code
        if status.code >= 400 { fail(String(status.code)) }
        span.end()
    }

    /// Ends a request that was not.
    package func end(_ error: AuthError) {
        if span.isRecording { fail(error.kind) }
        span.end()
    }

    private func end(_ outcome: String, errorType: String?) {
        if span.isRecording {
            span.attributes["ksconnect.outcome"] = outcome
            if let errorType { fail(errorType) }
        }
        span.end()
    }

    private func fail(_ type: String) {
        span.attributes["error.type"] = type
        span.setStatus(SpanStatus(code: .error))
    }

    // MARK: Parentage

    /// What the body starts, tasks included, belongs to this span.
    package func within(_ body: () -> Void) {
        InstrumentationContext.withValue(span.context) { body() }
    }

    package nonisolated(nonsending) func within<Result>(
        _ body: nonisolated(nonsending) () async -> Result
    ) async -> Result {
        await InstrumentationContext.$current.withValue(span.context) { await body() }
    }
}

extension Observability {
    /// What this package does on its own, as opposed to a request.
    package enum Operation: String, CaseIterable, Sendable {
        case apiCall = "ksconnect.api_call"
        case refresh = "ksconnect.refresh"
        case signIn = "ksconnect.sign_in"
    }

    /// What a request to the provider is for.
    package enum ProviderRequest: String, CaseIterable, Sendable {
        case discovery, keys, codeExchange, refresh, revocation
    }

    /// - Returns: nil when nothing traces.
    package func begin(_ operation: Operation) -> OpenSpan? {
        guard let tracer else { return nil }
        return OpenSpan(span: tracer.startSpan(operation.rawValue))
    }

    /// A span of one request to the provider.
    package func begin(_ purpose: ProviderRequest, _ request: HTTPRequest) -> OpenSpan? {
        begin(request, purpose: purpose.rawValue, resends: 0)
    }

    /// A span of one request to the API.
    ///
    /// - Parameter resends: how often the same call was sent before.
    package func begin(_ request: HTTPRequest, resends: Int) -> OpenSpan? {
        begin(request, purpose: nil, resends: resends)
    }

    private func begin(_ request: HTTPRequest, purpose: String?, resends: Int) -> OpenSpan? {
        guard let tracer else { return nil }
        let method = MethodLabel(request.method.rawValue).rawValue
        let name = method == MethodLabel.other.rawValue ? "HTTP" : method
        let span = tracer.startSpan(purpose.map { "\(name) \($0)" } ?? name, ofKind: .client)
        guard span.isRecording else { return OpenSpan(span: span) }
        span.updateAttributes { attributes in
            attributes["http.request.method"] = method
            if resends > 0 { attributes["http.request.resend_count"] = resends }
            if let url = PlainURL(request) {
                attributes["url.full"] = url.text
                attributes["server.address"] = url.host
                attributes["server.port"] = url.port
            }
        }
        return OpenSpan(span: span)
    }
}

/// A request's URL as a span may show it.
private struct PlainURL {
    let text: String
    let host: String
    let port: Int

    init?(_ request: HTTPRequest) {
        guard let scheme = request.scheme, let authority = request.authority else { return nil }
        let path = (request.path ?? "/").prefix { $0 != "?" }
        guard let url = try? WebURL("\(scheme)://\(authority)\(path)") else { return nil }
        text = url.rawValue
        host = url.host
        port = url.effectivePort
    }
}
