internal import AuthModels
internal import HTTPTypes
internal import OpenIDConnect

/// A refusal that no new access token of the same sign-in can mend.
enum BearerRefusal {
    /// What an answer's challenge asks for: a stronger or fresher sign-in (RFC 9470 §3) or another
    /// proof (RFC 9449 §7.1) with a 401, more scope (RFC 6750 §3.1) with a 403; nil for every other
    /// answer.
    static func error(in answer: HTTPAnswer) -> AuthError? {
        let status = answer.response.status
        guard status == .unauthorized || status == .forbidden else { return nil }
        let lines = answer.response.headerFields[values: .wwwAuthenticate]
        for challenge in AuthenticationChallenge.parse(lines)
        where challenge.scheme == "bearer" || challenge.scheme == "dpop" {
            switch (challenge.parameters["error"], status) {
            case ("insufficient_user_authentication", .unauthorized):
                return .stepUpRequired(
                    acrValues: challenge.parameters["acr_values"].map { SafeText.escaped($0) },
                    maxAge: challenge.parameters["max_age"].flatMap(seconds))
            case ("invalid_dpop_proof", .unauthorized):
                return .protocolFailure(
                    "the API refused the proof of the access token's key; is this machine's clock "
                        + "right?")
            case ("insufficient_scope", .forbidden):
                return .insufficientScope(
                    challenge.parameters["scope"].map { SafeText.escaped($0) })
            default: continue
            }
        }
        return nil
    }

    /// Whether the proof was refused for want of the API's nonce (RFC 9449 §9), and nothing carried
    /// out.
    static func isForNonce(_ answer: HTTPAnswer) -> Bool {
        guard answer.response.status == .unauthorized else { return false }
        let lines = answer.response.headerFields[values: .wwwAuthenticate]
        return AuthenticationChallenge.parse(lines).contains { challenge in
            challenge.scheme == "dpop"
                && challenge.parameters["error"]?.isExactly(DPoPNonce.errorCode) == true
        }
    }

    /// A non-negative number of at most nine digits.
    private static func seconds(_ text: String) -> Int? {
        guard (1...9).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return Int(text)
    }
}
