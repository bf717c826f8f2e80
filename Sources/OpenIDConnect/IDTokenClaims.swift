internal import AuthModels
internal import FoundationEssentials

/// Why claims are not accepted.
enum ClaimFault: Error {
    /// Only the time is wrong: maybe it is this machine's.
    case clock(String)
    case other(String)
}

/// The claims of an ID token whose signature holds (OpenID Connect Core §2).
struct IDTokenClaims {
    private let claims: JSONObject
    private let algorithm: SignatureAlgorithm

    init(_ jws: CompactJWS) throws(ClaimFault) {
        let document: JSONValue
        do { document = try JSONDocument.parse(jws.payload) } catch {
            throw .other("claims: \(error.reason)")
        }
        guard let claims = document.object else { throw .other("the claims are not an object") }
        self.claims = claims
        algorithm = jws.algorithm
    }

    func identity(_ expectation: IDTokenExpectation) throws(ClaimFault) -> Identity {
        guard let issuer = claims["iss"]?.string, issuer.isExactly(expectation.issuer.rawValue)
        else { throw .other("iss is not the issuer") }
        try judgeAudience(expectation.clientID)
        guard let subject = claims["sub"]?.string.flatMap({ Subject($0) }) else {
            throw .other("sub is missing, or not 1 to 255 ASCII characters")
        }
        try judgeAccessTokenHash(expectation.accessToken)
        let authenticatedAt = try time("auth_time")
        var identity = Identity(
            subject: subject, nonce: expectation.nonce,
            authenticatedAt: authenticatedAt.map { Int64($0) },
            authorizedParty: claims["azp"]?.string)
        if let previous = expectation.previous {
            try judgeContinuity(identity, previous)
            identity.nonce = previous.nonce
            identity.authenticatedAt = identity.authenticatedAt ?? previous.authenticatedAt
        } else {
            try judgeNonce(expectation.nonce)
            try judgeAuthenticationContext(expectation)
        }
        try judgeTimes(expectation)
        return identity
    }

    /// The client and nobody else: an audience that we do not know is not trusted
    /// (OpenID Connect Core §3.1.3.7, 3–5).
    private func judgeAudience(_ clientID: ClientID) throws(ClaimFault) {
        let audience = claims["aud"]?.string.map { [$0] } ?? claims["aud"]?.strings ?? []
        guard !audience.isEmpty, audience.allSatisfy({ $0.isExactly(clientID.rawValue) }) else {
            throw .other("aud is not this client alone")
        }
        guard let party = claims["azp"] else { return }
        guard let party = party.string, party.isExactly(clientID.rawValue) else {
            throw .other("azp is not this client")
        }
    }

    private func judgeNonce(_ expected: String?) throws(ClaimFault) {
        guard let expected else { return }
        guard let nonce = claims["nonce"]?.string, isSameSecret(nonce.utf8, expected.utf8) else {
            throw .other("nonce is not this sign-in's")
        }
    }

    /// Left half of the hash of the access token (OpenID Connect Core §3.1.3.6); optional in this flow.
    private func judgeAccessTokenHash(_ token: AccessToken?) throws(ClaimFault) {
        guard let stated = claims["at_hash"], let token else { return }
        let hash = token.bytes.withBytes { algorithm.hash($0) }
        guard let stated = stated.string,
            stated.isExactly(Base64URL.encode(hash.prefix(hash.count / 2)))
        else { throw .other("at_hash is of another access token") }
    }

    /// `max_age` and `acr_values` that were asked for (OpenID Connect Core §3.1.3.7, 12–13).
    private func judgeAuthenticationContext(
        _ expectation: IDTokenExpectation
    ) throws(ClaimFault) {
        if let maxAge = expectation.maxAge {
            guard let time = try time("auth_time") else {
                throw .other("auth_time is missing though max_age was asked for")
            }
            let age = expectation.now.timeIntervalSince1970 - time
            guard age <= Double(maxAge) + expectation.leewaySeconds else {
                throw .other("auth_time is longer ago than max_age")
            }
        }
        if let acrValues = expectation.acrValues {
            guard let level = claims["acr"]?.string,
                acrValues.split(separator: " ").contains(where: { String($0).isExactly(level) })
            else { throw .other("acr is none of those asked for") }
        }
    }

    /// A refreshed token speaks of the same sign-in (OpenID Connect Core §12.2).
    private func judgeContinuity(_ new: Identity, _ old: Identity) throws(ClaimFault) {
        guard new.subject == old.subject else { throw .other("sub names someone else") }
        let isSameParty =
            switch (new.authorizedParty, old.authorizedParty) {
            case (nil, nil): true
            case (let new?, let old?): new.isExactly(old)
            case (nil, _?), (_?, nil): false
            }
        guard isSameParty else { throw .other("azp has changed") }
        if let new = new.authenticatedAt, let old = old.authenticatedAt, new != old {
            throw .other("auth_time has changed")
        }
        guard let nonce = claims["nonce"] else { return }
        guard let nonce = nonce.string, let old = old.nonce, nonce.isExactly(old) else {
            throw .other("nonce is not the sign-in's")
        }
    }

    private func judgeTimes(_ expectation: IDTokenExpectation) throws(ClaimFault) {
        let now = expectation.now.timeIntervalSince1970
        let leeway = expectation.leewaySeconds
        guard let expires = try time("exp") else { throw .other("exp is missing") }
        guard let issued = try time("iat") else { throw .other("iat is missing") }
        guard now < expires + leeway else {
            throw .clock("it expired \(Int64(now - expires)) s ago")
        }
        guard issued <= now + leeway else {
            throw .clock("it was issued \(Int64(issued - now)) s from now")
        }
        if let start = try time("nbf"), start > now + leeway {
            throw .clock("it is valid only \(Int64(start - now)) s from now")
        }
    }

    /// A NumericDate (RFC 7519 §2), a fraction allowed, within the years 1970 to 9999.
    private func time(_ name: String) throws(ClaimFault) -> Double? {
        guard let value = claims[name] else { return nil }
        guard let seconds = value.number?.double, (0...253_402_300_799).contains(seconds) else {
            throw .other("\(name) is not a time")
        }
        return seconds
    }
}
