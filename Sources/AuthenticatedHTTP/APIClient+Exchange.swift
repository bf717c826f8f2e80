internal import AuthModels
internal import AuthSession
internal import HTTPTypes
internal import OpenIDConnect
internal import Telemetry

/// One call with one token.
struct Call: Sendable {
    let request: APIRequest
    let url: WebURL
    let startedAt: Moment
    let deadline: Duration
    /// Where a success's body goes; nil where the answer is wanted whole.
    let sink: TransferSink?
    /// Nil where nothing is observed.
    let watch: CallWatch?
    var attempt = 0

    init(
        _ request: APIRequest, url: WebURL, startedAt: Moment, deadline: Duration,
        sink: TransferSink?, watch: CallWatch?
    ) {
        self.request = request
        self.url = url
        self.startedAt = startedAt
        self.deadline = deadline
        self.sink = sink
        self.watch = watch
    }

    func timeLeft(at now: Moment) -> Duration {
        max(deadline - (now.elapsed(since: startedAt) ?? .zero), .zero)
    }
}

// One request and its answer, whole or in chunks.
extension APIClient {
    func sendOnce(_ call: Call, with token: IssuedToken) async -> Result<HTTPAnswer, AuthError> {
        do throws(AuthError) {
            return .success(try await provenAnswer(to: call, with: token))
        } catch {
            return .failure(error)
        }
    }

    /// Once more where the API refuses the proof for want of its nonce (RFC 9449 §9).
    private func provenAnswer(
        to call: Call, with token: IssuedToken
    ) async throws(AuthError) -> HTTPAnswer {
        let nonce = nonces.nonce(for: call.url.origin)
        let first = try await answer(to: call, with: token, nonce)
        guard token.dpopKey != nil, BearerRefusal.isForNonce(first) else { return first }
        guard let nonce = DPoPNonce(in: first.response) else {
            throw .protocolFailure("the API wants a DPoP nonce and gives none that can be used")
        }
        if call.request.body.isRepeatable { call.watch?.willRetry(.nonce) }
        // A body that is gone throws `bodyNotRepeatable` before anything is sent.
        let second = try await answer(to: call, with: token, nonce)
        guard !BearerRefusal.isForNonce(second) else {
            throw .protocolFailure("the API wants another DPoP nonce than the one it gave")
        }
        return second
    }

    private func answer(
        to call: Call, with token: IssuedToken, _ nonce: DPoPNonce?
    ) async throws(AuthError) -> HTTPAnswer {
        let answer = try await send(call, with: token, nonce)
        if token.dpopKey != nil {
            nonces.remember(DPoPNonce(in: answer.response), for: call.url.origin)
        }
        return answer
    }

    private func send(
        _ call: Call, with token: IssuedToken, _ nonce: DPoPNonce?
    ) async throws(AuthError) -> HTTPAnswer {
        var exchange = HTTPExchange(
            call.request.method, call.url, headers: call.request.headers,
            body: call.request.body.inMemory, deadline: call.timeLeft(at: clock.now()),
            responseBytesMax: call.request.responseBytesMax)
        try authorize(&exchange.request, with: token, nonce)
        let span = call.watch?.begin(exchange.request)
        // To the API and no one else: the userinfo endpoint may be another's.
        if call.url.origin == apiBase.origin {
            observability.propagate(span, in: &exchange.request)
        }
        do throws(AuthError) {
            let answer = try await transmit(exchange, call)
            span?.end(answer.response.status)
            return answer
        } catch {
            span?.end(error)
            throw error
        }
    }

    private func transmit(
        _ exchange: HTTPExchange, _ call: Call
    ) async throws(AuthError) -> HTTPAnswer {
        var exchange = exchange
        guard let streaming = transport as? any StreamingHTTPTransport else {
            exchange.body = try await call.request.body.collect()
            return try await whole(exchange, call)
        }
        let upload = try call.request.body.upload()
        guard upload != nil || call.sink != nil else { return try await whole(exchange, call) }
        return try await inChunks(exchange, call, upload, over: streaming)
    }

    /// A bound token goes out with a proof and no other way, a bearer token without.
    private func authorize(
        _ request: inout HTTPRequest, with token: IssuedToken, _ nonce: DPoPNonce?
    ) throws(AuthError) {
        let type = token.record.registration.tokenType
        guard (type == .dpop) == (token.dpopKey != nil) else {
            throw .store(.corrupt("the session's DPoP key does not fit its tokens"))
        }
        DPoPProof.remove(from: &request.headerFields)
        request.headerFields[.authorization] = "\(type.rawValue) \(token.access.reveal())"
        guard let key = token.dpopKey else { return }
        try DPoPProof.add(
            to: &request, key: key, accessToken: token.access, nonce: nonce,
            now: clock.now().wall, random: random)
    }

    private func whole(
        _ exchange: HTTPExchange, _ call: Call
    ) async throws(AuthError) -> HTTPAnswer {
        var answer: HTTPAnswer
        do { answer = try await transport.send(exchange) } catch {
            throw call.request.fault(error)
        }
        guard let sink = call.sink, answer.response.status.kind == .successful else {
            return answer
        }
        if !answer.body.isEmpty {
            do { try await sink.deliver(answer.body, of: answer.response) } catch {
                throw .cancelled
            }
        }
        answer.body = []
        return answer
    }

    private func inChunks(
        _ exchange: HTTPExchange, _ call: Call, _ upload: HTTPUpload?,
        over transport: any StreamingHTTPTransport
    ) async throws(AuthError) -> HTTPAnswer {
        var exchange = exchange
        let sink = call.sink
        let body = CappedBody(bytesMax: exchange.responseBytesMax)
        let source = UploadFault()
        if sink != nil { exchange.responseBytesMax = .max }
        let upload = upload?.reporting(to: call.request.progress).noting(source)
        do {
            let head = try await transport.stream(exchange, upload: upload) { head, chunk in
                if let sink, head.status.kind == .successful {
                    try await sink.deliver(chunk, of: head)
                } else {
                    body.append(chunk)
                }
            }
            return HTTPAnswer(head, body: body.bytes)
        } catch {
            // The transport only knows that this side gave up.
            if error == .cancelled, let fault = source.fault { throw fault }
            throw call.request.fault(error)
        }
    }
}
