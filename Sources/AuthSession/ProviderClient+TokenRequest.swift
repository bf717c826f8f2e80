internal import AuthModels
internal import Logging
internal import OpenIDConnect
internal import Telemetry

/// Why a token request has no answer.
enum TokenRequestFault: Error {
    /// Nothing that counts was sent.
    case notSent(AuthError)
    case transport(TransportError)
}

extension ProviderClient {
    /// Sends one token request; where the session is bound to a key, with a proof of it.
    ///
    /// A provider that wants its nonce in the proof (`use_dpop_nonce`, RFC 9449 §8) has refused
    /// before it looked at code or refresh token: the request is sent once more with it, after the
    /// answer to the first is here and within the time of one request. A second refusal is an answer
    /// like any other.
    func sendTokenRequest(
        _ exchange: HTTPExchange, for purpose: Observability.ProviderRequest,
        to endpoint: WebURL, provenBy key: DPoPKey?
    ) async throws(TokenRequestFault) -> HTTPAnswer {
        guard let key else {
            do { return try await send(exchange, for: purpose) } catch { throw .transport(error) }
        }
        let started = clock.now()
        let first = try await sendProven(
            exchange, for: purpose, to: endpoint, key, nonces.nonce(for: endpoint.origin),
            within: deadline)
        guard DPoPNonce.isWanted(byTokenEndpoint: first), let nonce = DPoPNonce(in: first.response)
        else { return first }
        let timeLeft = deadline - (clock.now().elapsed(since: started) ?? .zero)
        // Too little time would turn a certain refusal into an outcome that nobody knows.
        guard timeLeft >= deadline / 2 else {
            throw .notSent(
                .transient(
                    "the provider was slow to say which DPoP nonce it wants", retryAfter: nil))
        }
        logger.debug("the provider wants its DPoP nonce; the token request is sent once more")
        return try await sendProven(
            exchange, for: purpose, to: endpoint, key, nonce, within: timeLeft)
    }

    private func sendProven(
        _ exchange: HTTPExchange, for purpose: Observability.ProviderRequest,
        to endpoint: WebURL, _ key: DPoPKey, _ nonce: DPoPNonce?, within limit: Duration
    ) async throws(TokenRequestFault) -> HTTPAnswer {
        var exchange = exchange
        do {
            try DPoPProof.add(
                to: &exchange.request, key: key, accessToken: nil, nonce: nonce,
                now: clock.now().wall, random: random)
        } catch {
            throw .notSent(error)
        }
        let answer: HTTPAnswer
        do {
            answer = try await send(exchange, for: purpose, within: limit)
        } catch {
            throw .transport(error)
        }
        nonces.remember(DPoPNonce(in: answer.response), for: endpoint.origin)
        return answer
    }
}

extension OpenedSession {
    /// The key of a session whose tokens are bound; nil where they are not.
    ///
    /// - Throws: `.store` when it should be there and is not: without it no request is made.
    func proofKey() throws(AuthError) -> DPoPKey? {
        guard record.registration.usesDPoP == (dpopKey != nil) else {
            throw .store(
                .corrupt("account \(record.account): the DPoP key does not fit the session"))
        }
        return dpopKey
    }
}
