import FoundationEssentials

/// Codes, refresh token families and live access tokens; each change is one uninterrupted step.
actor GrantStore {
    /// All tokens that descend from one sign-in.
    private struct Family {
        let grant: Grant
        let expires: Date
        /// The key that refresh tokens of a public client are bound to (RFC 9449 §5).
        let thumbprint: String?
        var isRevoked = false
    }

    private struct Code {
        let binding: CodeBinding
        let expires: Date
        /// Set by the exchange.
        var family: Int?
        var isSpent = false
    }

    private struct RefreshToken {
        let family: Int
        var spent: Date?
    }

    private struct AccessToken {
        let family: Int
        var isRevoked = false
    }

    private var codes: [ExactKey: Code] = [:]
    private var families: [Family] = []
    private var refreshTokens: [ExactKey: RefreshToken] = [:]
    private var accessTokens: [ExactKey: AccessToken] = [:]
    private(set) var reuseDetections = 0
    private(set) var codeReuses = 0

    /// Makes an authorization code.
    func issueCode(for binding: CodeBinding, lifetimeSeconds: Int, now: Date) -> String {
        let code = Opaque.token()
        codes[ExactKey(code)] = Code(
            binding: binding, expires: now.addingTimeInterval(Double(lifetimeSeconds)))
        return code
    }

    /// Exchanges a code, once (RFC 6749 §4.1.3, RFC 7636 §4.6).
    ///
    /// The first look at a code spends it, whether or not the exchange succeeds. A second look
    /// revokes what the first one bought (RFC 6749 §4.1.2).
    func redeem(_ request: CodeExchange, settings: Settings, now: Date) throws(OAuthError)
        -> Purchase
    {
        let key = ExactKey(request.code)
        guard let code = codes[key] else { throw OAuthError(.invalidGrant) }
        guard !code.isSpent else {
            codeReuses += 1
            if let family = code.family { families[family].isRevoked = true }
            throw OAuthError(.invalidGrant)
        }
        codes[key]?.isSpent = true
        let binding = code.binding
        guard now < code.expires, sameBytes(binding.grant.clientID, request.clientID),
            sameBytes(binding.redirectURI, request.redirectURI),
            sameBytes(binding.challenge, Opaque.s256(request.verifier)),
            binding.thumbprint == nil || binding.thumbprint == request.thumbprint
        else { throw OAuthError(.invalidGrant) }

        let lifetime = Double(settings.refreshTokenLifetimeSeconds)
        families.append(
            Family(
                grant: binding.grant, expires: now.addingTimeInterval(lifetime),
                thumbprint: request.isPublic ? request.thumbprint : nil))
        let family = families.count - 1
        codes[key]?.family = family
        let offline = binding.grant.scopes.contains(DemoServer.Scope.offlineAccess.rawValue)
        return Purchase(
            grant: binding.grant, scopes: binding.grant.scopes,
            accessTokenID: newAccessToken(of: family),
            refreshToken: offline ? newRefreshToken(of: family) : nil,
            thumbprint: request.thumbprint, isFirst: true)
    }

    /// Refreshes (RFC 6749 §6). A spent token that comes back after the grace revokes its family
    /// (RFC 9700 §4.14.2).
    func refresh(_ request: RefreshExchange, settings: Settings, now: Date) throws(OAuthError)
        -> Purchase
    {
        let key = ExactKey(request.token)
        guard let token = refreshTokens[key],
            sameBytes(families[token.family].grant.clientID, request.clientID),
            !families[token.family].isRevoked, now < families[token.family].expires,
            families[token.family].thumbprint.map({ $0 == request.thumbprint }) ?? true
        else { throw OAuthError(.invalidGrant) }
        if let spent = token.spent,
            now >= spent.addingTimeInterval(Double(settings.graceSeconds))
        {
            reuseDetections += 1
            families[token.family].isRevoked = true
            throw OAuthError(.invalidGrant)
        }
        let grant = families[token.family].grant
        let scopes = try narrowed(grant.scopes, to: request.scopes)
        let next: String
        switch settings.rotation {
        case .reuse: next = request.token
        case .oneTime:
            next = newRefreshToken(of: token.family)
            // The grace counts from the first use, or it could be stretched for ever.
            refreshTokens[key]?.spent = token.spent ?? now
        }
        return Purchase(
            grant: grant, scopes: scopes, accessTokenID: newAccessToken(of: token.family),
            refreshToken: next, thumbprint: request.thumbprint, isFirst: false)
    }

    private func narrowed(_ granted: [String], to asked: [String]?) throws(OAuthError) -> [String] {
        guard let asked else { return granted }
        for scope in asked where !granted.contains(where: { sameBytes($0, scope) }) {
            throw OAuthError(.invalidScope)
        }
        return asked
    }

    private func newRefreshToken(of family: Int) -> String {
        let token = Opaque.token()
        refreshTokens[ExactKey(token)] = RefreshToken(family: family)
        return token
    }

    private func newAccessToken(of family: Int) -> String {
        let identifier = Opaque.token()
        accessTokens[ExactKey(identifier)] = AccessToken(family: family)
        return identifier
    }
}

extension GrantStore {
    /// Whether an access token has been revoked, alone or with its family.
    func isLive(accessTokenID: String) -> Bool {
        guard let token = accessTokens[ExactKey(accessTokenID)] else { return false }
        return !token.isRevoked && !families[token.family].isRevoked
    }

    /// Revokes a refresh token with all that descends from its sign-in (RFC 7009 §2.1).
    ///
    /// Returns whether the token is one of the client's own.
    func revoke(refreshToken: String, clientID: String) -> Bool {
        guard let token = refreshTokens[ExactKey(refreshToken)],
            sameBytes(families[token.family].grant.clientID, clientID)
        else { return false }
        families[token.family].isRevoked = true
        return true
    }

    /// Revokes one access token.
    func revoke(accessTokenID: String) {
        accessTokens[ExactKey(accessTokenID)]?.isRevoked = true
    }

    /// Revokes every access token, as if the API had forgotten them; refresh tokens stay.
    func revokeAllAccessTokens() {
        for key in accessTokens.keys { accessTokens[key]?.isRevoked = true }
    }

    /// Revokes every family, or those of one person.
    func revokeFamilies(ofSubject subject: String?) {
        for index in families.indices
        where subject.map({ sameBytes($0, families[index].grant.subject) }) ?? true {
            families[index].isRevoked = true
        }
    }

    func resetCounts() {
        reuseDetections = 0
        codeReuses = 0
    }
}

/// A judged request to exchange a code.
struct CodeExchange: Sendable {
    let clientID: String
    let code: String
    let redirectURI: String
    let verifier: String
    /// The key that the request was proven with.
    let thumbprint: String?
    /// Whether the client has no secret; its refresh tokens are bound to the key.
    let isPublic: Bool
}

/// A judged request to refresh.
struct RefreshExchange: Sendable {
    let clientID: String
    let token: String
    let scopes: [String]?
    /// The key that the request was proven with.
    let thumbprint: String?
}
