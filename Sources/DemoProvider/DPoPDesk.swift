import FoundationEssentials

/// Judges proofs: each is taken once, and with a nonce where the knobs want one.
actor DPoPDesk {
    /// Where a nonce is good; those of the token endpoint are no good at the API.
    enum Place: Hashable, Sendable {
        case token
        case api
    }

    private var identifiers: [ExactKey: Date] = [:]
    /// The nonces that will be taken: one for ever, or several for one use each.
    private var nonces: [Place: [ExactKey]] = [:]
    private var latest: [Place: String] = [:]

    private static let outstandingMax = 1000

    /// - Parameters:
    ///   - url: where the request was sent, without its query.
    ///   - accessToken: what the proof must name; nil at the token endpoint.
    /// - Returns: the thumbprint of the key.
    func judge(
        _ request: WebRequest, at url: String, for place: Place, accessToken: String?,
        settings: Settings, now: Date
    ) throws(DPoPRefusal) -> String {
        let proof = try DPoPProof(of: request, at: url, now: now)
        guard accessToken.map(Opaque.s256) == proof.claims.ath else {
            throw .invalid("The proof is for another token")
        }
        // A refused proof is not taken again either.
        let isNew =
            identifiers.updateValue(
                now, forKey: ExactKey("\(proof.thumbprint) \(proof.claims.jti)")) == nil
        guard isNew else { throw .invalid("The proof was used before") }
        forget(before: now.addingTimeInterval(-2 * Double(DPoPProof.lifetimeSeconds)))
        try judgeNonce(proof.claims.nonce, at: place, settings)
        return proof.thumbprint
    }

    private func judgeNonce(
        _ nonce: String?, at place: Place, _ settings: Settings
    ) throws(DPoPRefusal) {
        guard settings.wantsNonce(at: place) else { return }
        guard !settings.dpopAlwaysChallenges, let nonce,
            let index = nonces[place]?.firstIndex(of: ExactKey(nonce))
        else { throw .wantsNonce }
        if settings.dpopNonceRotates { nonces[place]?.remove(at: index) }
    }

    /// What the next proof is to hold; nil where nothing is asked for.
    func nextNonce(at place: Place, settings: Settings) -> String? {
        guard settings.wantsNonce(at: place) else { return nil }
        if !settings.dpopNonceRotates, let latest = latest[place],
            nonces[place]?.contains(ExactKey(latest)) == true
        {
            return latest
        }
        let nonce = Opaque.token()
        latest[place] = nonce
        nonces[place, default: []].append(ExactKey(nonce))
        if nonces[place, default: []].count > Self.outstandingMax { nonces[place]?.removeFirst() }
        return nonce
    }

    private func forget(before limit: Date) {
        guard identifiers.count > Self.outstandingMax else { return }
        identifiers = identifiers.filter { $0.value >= limit }
    }
}

extension Settings {
    fileprivate func wantsNonce(at place: DPoPDesk.Place) -> Bool {
        switch place {
        case .token: dpopNonceAtToken
        case .api: dpopNonceAtAPI
        }
    }
}

extension Provider {
    /// Puts the next nonce on an answer to a request that held a proof (RFC 9449 §8.2).
    func addingNonce(
        to answer: WebAnswer, of request: WebRequest, at place: DPoPDesk.Place
    ) async -> WebAnswer {
        guard DPoPProof.isIn(request),
            let nonce = await dpop.nextNonce(at: place, settings: knobs.settings)
        else { return answer }
        return answer.adding("DPoP-Nonce", nonce)
    }
}
