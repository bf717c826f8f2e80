public import AuthModels
public import AuthSession
public import HTTPTypes
public import OpenIDConnect
public import Telemetry

/// Calls a protected API: the live token on each request, on 401 one refresh and one retry.
///
/// The token goes to the API's own origin and nowhere else, in the Authorization header and nowhere
/// else (RFC 6750 §2.1). Redirects are not followed: a 3xx is an answer like any other.
public struct APIClient: Sendable {
    /// Base of the protected API; its origin is the only one that is called.
    public let apiBase: WebURL
    let tokens: any TokenSource
    let transport: any HTTPTransport
    let clock: any AuthClock
    let random: any RandomSource
    let policy: RetryPolicy
    let budget: RetryBudget
    let nonces: DPoPNonces
    let observability: Observability

    /// - Parameters:
    ///   - budget: shared by all clients of one front end, so that an outage meets one.
    ///   - nonces: shared likewise; what APIs gave for proofs (RFC 9449 §9).
    public init(
        tokens: any TokenSource, transport: any HTTPTransport, apiBase: WebURL,
        clock: any AuthClock, random: any RandomSource, policy: RetryPolicy = RetryPolicy(),
        budget: RetryBudget = RetryBudget(), nonces: DPoPNonces = DPoPNonces(),
        observability: Observability = .bootstrapped
    ) {
        self.tokens = tokens
        self.transport = transport
        self.apiBase = apiBase
        self.clock = clock
        self.random = random
        self.policy = policy
        self.budget = budget
        self.nonces = nonces
        self.observability = observability
    }

    // MARK: Calls

    /// Sends a request; any status is an answer, but 401 and a 403 for want of scope.
    ///
    /// Idempotent calls are repeated on 502, 503, 504 and a lost connection, within ``RetryPolicy``
    /// and the budget; POST and PATCH never. After a 401, which means that nothing was carried out,
    /// any call is repeated once with a newer token. An API that wants its nonce in the proof of a
    /// bound token has not carried anything out either: each request is repeated at most once for
    /// it, which counts as no retry.
    ///
    /// - Throws: `originNotAllowed` before a token is even looked up; `unauthorizedAfterRefresh` on
    ///   a second 401, with the session kept; `stepUpRequired` (RFC 9470 §3) and
    ///   `insufficientScope` (RFC 6750 §3.1) with no refresh and no retry; `bodyNotRepeatable` when
    ///   a 401 came for a body that can be sent once only; errors of transport and token.
    public func send(_ request: APIRequest) async throws(AuthError) -> HTTPAnswer {
        try await sendToAPI(request, sink: nil)
    }

    /// Sends a request and hands the body of a success on, chunk by chunk, as the caller takes it.
    ///
    /// Any other answer comes back with its body, up to the request's own cap; a success comes back
    /// without. Once a chunk was handed over the call is not repeated on its own. A transport that
    /// takes whole answers only gives one chunk, within that cap.
    ///
    /// - Parameter receive: throwing ends the call as `cancelled`.
    /// - Throws: as ``send(_:)``.
    public func download(
        _ request: APIRequest, receive: @escaping @Sendable ([UInt8]) async throws -> Void
    ) async throws(AuthError) -> HTTPAnswer {
        try await sendToAPI(
            request, sink: TransferSink(receive: receive, progress: request.progress))
    }

    private func sendToAPI(
        _ request: APIRequest, sink: TransferSink?
    ) async throws(AuthError) -> HTTPAnswer {
        try admit(request.url)
        return try await sendAuthorized(request, sink: sink) { record throws(AuthError) in
            // Signed in anew meanwhile, for another API: its token is not for this one.
            guard record.registration.apiBase.origin == apiBase.origin else {
                throw .originNotAllowed
            }
            return request.url
        }
    }

    /// The same for a request without a type of its own.
    public func send(
        _ method: HTTPRequest.Method, _ url: WebURL, headers: HTTPFields = [:],
        body: [UInt8] = [], deadline: Duration = .seconds(30)
    ) async throws(AuthError) -> HTTPAnswer {
        try await send(
            APIRequest(
                method, url, headers: headers, body: body.isEmpty ? .none : .bytes(body),
                deadline: deadline))
    }

    /// Claims about the person who signed in (OpenID Connect Core §5.3), from the userinfo endpoint
    /// that was pinned at sign-in; its origin may be another than the API's.
    ///
    /// - Throws: as ``send(_:)``, and `userInfoInvalid` when the answer is none or names someone
    ///   else; `configInvalid` when the provider has no such endpoint.
    public func userInfo() async throws(AuthError) -> UserInfo {
        let token = try await tokens.accessToken()
        guard let endpoint = token.record.endpoints.userInfo else {
            throw .configInvalid("the provider has no userinfo endpoint")
        }
        let request = APIRequest(.get, endpoint, headers: [.accept: "application/json"])
        let answer = try await sendAuthorized(request, sink: nil) { record throws(AuthError) in
            guard record.id == token.record.id, record.endpoints.userInfo == endpoint else {
                throw .originNotAllowed
            }
            return endpoint
        }
        return try UserInfo.judge(
            answer, subject: token.record.identity?.subject, now: clock.now().wall)
    }

    // MARK: Where a token may go

    /// The URL that a person means: a path is put behind the API's own, an absolute URL must lie
    /// within the API's origin.
    ///
    /// - Throws: `originNotAllowed` for anything else.
    public func url(_ pathOrURL: String) throws(AuthError) -> WebURL {
        let url: WebURL
        do {
            if pathOrURL.utf8.starts(with: "//".utf8) { throw AuthError.originNotAllowed }
            url =
                pathOrURL.utf8.first == UInt8(ascii: "/")
                ? try apiBase.appending(path: pathOrURL) : try WebURL(pathOrURL)
        } catch {
            throw .originNotAllowed
        }
        try admit(url)
        return url
    }

    /// Refuses another origin, a path with `.` or `..`, and a token in the query (RFC 6750 §2.3).
    private func admit(_ url: WebURL) throws(AuthError) {
        guard url.origin == apiBase.origin, !url.hasDotSegment,
            !Self.hasTokenInQuery(url)
        else { throw .originNotAllowed }
    }

    private static func hasTokenInQuery(_ url: WebURL) -> Bool {
        (url.query ?? "").split(separator: "&").contains { pair in
            let name = pair.prefix { $0 != "=" }
            return FormCoder.decode(String(name))?.lowercased() == "access_token"
        }
    }

    // MARK: Token and retries

    /// - Parameter destination: judges the session whose token is about to be sent.
    private func sendAuthorized(
        _ request: APIRequest, sink: TransferSink?,
        to destination: (SessionRecord) throws(AuthError) -> WebURL
    ) async throws(AuthError) -> HTTPAnswer {
        guard let watch = CallWatch(observability, request, clock) else {
            return try await sendAuthorized(request, sink, watch: nil, to: destination)
        }
        return try await watch.watch {
            do throws(AuthError) {
                return .success(
                    try await sendAuthorized(request, sink, watch: watch, to: destination))
            } catch {
                return .failure(error)
            }
        }.get()
    }

    private func sendAuthorized(
        _ request: APIRequest, _ sink: TransferSink?, watch: CallWatch?,
        to destination: (SessionRecord) throws(AuthError) -> WebURL
    ) async throws(AuthError) -> HTTPAnswer {
        let token = try await tokens.accessToken()
        var call = Call(
            request, url: try destination(token.record), startedAt: clock.now(),
            deadline: request.deadline, sink: sink, watch: watch)
        let answer = try await send(&call, with: token)
        guard answer.response.status == .unauthorized else { return answer }
        guard request.body.isRepeatable else { throw .bodyNotRepeatable }
        let answeredAt = clock.now()
        // Keyed to the rejected token: if the session is newer already, nothing is refreshed.
        let next = try await tokens.accessToken(TokenNeed(newerThan: token.generation))
        let timeLeft = call.timeLeft(at: answeredAt)
        call = Call(
            request, url: try destination(next.record), startedAt: clock.now(),
            deadline: timeLeft, sink: sink, watch: watch)
        watch?.willRetry(.unauthorized)
        let second = try await send(&call, with: next)
        guard second.response.status != .unauthorized else { throw .unauthorizedAfterRefresh }
        return second
    }

    /// Sends with one token, repeating as the policy allows.
    private func send(
        _ call: inout Call, with token: IssuedToken
    ) async throws(AuthError) -> HTTPAnswer {
        while true {
            call.attempt += 1
            let result = await sendOnce(call, with: token)
            if let wait = retryWait(after: result, call), spendRetry(call) {
                call.watch?.willRetry(RetryCause(result))
                do { try await clock.sleep(for: wait) } catch { throw .cancelled }
                continue
            }
            let answer = try result.get()
            if let refusal = BearerRefusal.error(in: answer) { throw refusal }
            if call.attempt == 1, !RetryPolicy.isWorthRetry(answer.response.status) {
                budget.earn()
            }
            return answer
        }
    }

    private func spendRetry(_ call: Call) -> Bool {
        let isAllowed = budget.spend()
        if !isAllowed { call.watch?.mayNotRetry() }
        return isAllowed
    }

    /// How long to wait before the next attempt; nil when there is none.
    private func retryWait(
        after result: Result<HTTPAnswer, AuthError>, _ call: Call
    ) -> Duration? {
        guard call.request.isRepeatable, call.attempt < policy.attemptsMax,
            call.sink?.hasDelivered != true
        else { return nil }
        var wait = policy.backoff(after: call.attempt, jitter: jitter())
        switch result {
        case .success(let answer):
            guard RetryPolicy.isWorthRetry(answer.response.status) else { return nil }
            let asked = RetryAfter.duration(in: answer.response, now: clock.now().wall)
            if let asked {
                guard asked <= policy.retryAfterMax else { return nil }
                wait = max(wait, asked)
            }
        case .failure(.transient): break
        case .failure: return nil
        }
        return wait < call.timeLeft(at: clock.now()) ? wait : nil
    }

    /// Without randomness the wait is merely not spread.
    private func jitter() -> Double {
        guard let byte = try? random.bytes(1).first else { return 1 }
        return Double(byte) / 255
    }
}
