public import AuthModels
internal import FoundationEssentials

/// Judges ID tokens (OpenID Connect Core §3.1.3.7 and §12.2, RFC 8725).
public enum IDTokenJudge {
    /// Many keys may share an id; a token may not make us try them all.
    static let signatureTriesMax = 4

    /// Header, then signature, then claims: nothing unsigned is believed.
    ///
    /// - Returns: who signed in. On refresh the nonce stays the sign-in's own.
    public static func judge(
        _ token: IDToken, keys: JSONWebKeySet, expecting expectation: IDTokenExpectation
    ) throws(IDTokenFault) -> Identity {
        let isRefresh = expectation.previous != nil
        let jws: CompactJWS
        do {
            let allowed =
                expectation.algorithms.isEmpty
                ? [SignatureAlgorithm.rs256.rawValue] : expectation.algorithms
            jws = try token.bytes.withBytes { bytes throws(JWSFault) in
                try CompactJWS(bytes, allowed: allowed, type: "JWT")
            }
        } catch {
            throw isRefresh ? .identityChanged(error.reason) : .invalid(error.reason)
        }
        guard let isSigned = try isSigned(jws, by: keys) else { throw .unknownKey }
        guard isSigned else {
            let reason = "the signature is not the provider's"
            throw isRefresh ? .identityChanged(reason) : .invalid(reason)
        }
        do {
            return try IDTokenClaims(jws).identity(expectation)
        } catch {
            switch error {
            case .clock(let reason): throw .invalid(reason + "; check this machine's clock")
            case .other(let reason):
                throw isRefresh ? .identityChanged(reason) : .invalid(reason)
            }
        }
    }

    /// Chooses by key id, key type, algorithm and use together.
    ///
    /// A token without a key id is taken where exactly one key fits (OpenID Connect Core §10.1).
    ///
    /// - Returns: nil when no key fits.
    private static func isSigned(
        _ jws: CompactJWS, by keys: JSONWebKeySet
    ) throws(IDTokenFault) -> Bool? {
        let fitting = keys.keys.filter { key in
            guard key.serves(jws.algorithm) else { return false }
            guard let wanted = jws.keyID else { return true }
            return key.id.map(wanted.isExactly) ?? false
        }
        if fitting.isEmpty { return nil }
        if jws.keyID == nil, fitting.count > 1 {
            throw .invalid("it names no key and the provider has several")
        }
        return fitting.prefix(signatureTriesMax).contains { key in
            key.key.isValid(jws.signature, over: jws.signedBytes, jws.algorithm)
        }
    }
}
