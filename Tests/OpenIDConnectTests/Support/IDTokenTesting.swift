import AuthModels
import FoundationEssentials
import OpenIDConnect

/// Judges tokens of the samples as a sign-in or a refresh would.
enum IDTokenTesting {
    static let nonce = "n-0S6_WzA2Mj"
    static let allAlgorithms = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    ]

    static func expectation(
        _ algorithms: [String] = allAlgorithms, nonce: String? = nonce,
        change: (inout IDTokenExpectation) -> Void = { _ in }
    ) throws -> IDTokenExpectation {
        var expectation = IDTokenExpectation(
            issuer: try Samples.issuer(),
            clientID: try Samples.required(ClientID(Samples.clientID)), nonce: nonce,
            accessToken: try Samples.required(AccessToken("at-1")), algorithms: algorithms,
            now: Samples.now)
        change(&expectation)
        return expectation
    }

    static func refreshExpectation(
        change: (inout Identity) -> Void = { _ in }
    ) throws -> IDTokenExpectation {
        var identity = Identity(
            subject: try Samples.required(Subject("248289761001")), nonce: nonce,
            authenticatedAt: 1_799_999_990)
        change(&identity)
        return try expectation(nonce: nil) { $0.previous = identity }
    }

    /// The fault, or nil where the token is taken.
    static func fault(
        _ token: IDToken, _ keys: JSONWebKeySet, _ expectation: IDTokenExpectation
    ) -> IDTokenFault? {
        do throws(IDTokenFault) {
            _ = try IDTokenJudge.judge(token, keys: keys, expecting: expectation)
            return nil
        } catch { return error }
    }

    /// The fault of an RS256 token whose header or claims were changed.
    static func fault(
        header: [String: String?] = [:], claims: [String: String?] = [:],
        change: (inout IDTokenExpectation) -> Void = { _ in }
    ) throws -> IDTokenFault? {
        fault(
            try TokenForge.rsa.token(header: header, claims: claims), try TokenForge.rsa.set(),
            try expectation(change: change))
    }
}

extension IDTokenFault {
    /// The reason of an invalid token.
    var invalidReason: String? {
        if case .invalid(let reason) = self { reason } else { nil }
    }

    var isIdentityChanged: Bool {
        if case .identityChanged = self { true } else { false }
    }
}
