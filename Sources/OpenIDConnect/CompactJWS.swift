internal import AuthModels

/// Why a text is not a signed token of the kind that is wanted.
struct JWSFault: Error {
    let reason: String
}

/// A JWS in compact form, taken apart and its header judged, its signature not yet
/// (RFC 7515 §5.2, RFC 8725 §3).
struct CompactJWS {
    let algorithm: SignatureAlgorithm
    let keyID: String?
    /// What the signature is over: header, dot, payload, as received.
    let signedBytes: [UInt8]
    let payload: [UInt8]
    let signature: [UInt8]

    /// - Parameters:
    ///   - allowed: the algorithms that the configuration allows; the token has no say in it.
    ///   - type: what `typ` may be, in any case; absent is fine.
    init(
        _ bytes: UnsafeRawBufferPointer, allowed: [String], type: String
    ) throws(JWSFault) {
        let dots = bytes.indices.filter { bytes[$0] == UInt8(ascii: ".") }
        guard dots.count == 2 else {
            throw JWSFault(reason: dots.count == 4 ? "it is encrypted" : "it has not three parts")
        }
        guard let header = Base64URL.decode(bytes[..<dots[0]]),
            let payload = Base64URL.decode(bytes[(dots[0] + 1)..<dots[1]]),
            let signature = Base64URL.decode(bytes[(dots[1] + 1)...])
        else { throw JWSFault(reason: "it is not base64url") }
        let document: JSONValue
        do { document = try JSONDocument.parse(header) } catch {
            throw JWSFault(reason: "header: \(error.reason)")
        }
        guard let document = document.object else {
            throw JWSFault(reason: "the header is not an object")
        }
        algorithm = try Self.algorithm(document, allowed)
        try Self.judge(document, type: type)
        switch document["kid"] {
        case nil: keyID = nil
        case .string(let text): keyID = text
        default: throw JWSFault(reason: "kid is not a text")
        }
        guard !signature.isEmpty else { throw JWSFault(reason: "the signature is missing") }
        signedBytes = Array(bytes[..<dots[1]])
        self.payload = payload
        self.signature = signature
    }

    private static func algorithm(
        _ header: JSONObject, _ allowed: [String]
    ) throws(JWSFault) -> SignatureAlgorithm {
        guard let name = header["alg"]?.string else { throw JWSFault(reason: "alg is missing") }
        guard let algorithm = SignatureAlgorithm(rawValue: name),
            name.isExactly(algorithm.rawValue),
            allowed.contains(where: name.isExactly)
        else { throw JWSFault(reason: "alg \(SafeText.code(name)) is not allowed") }
        return algorithm
    }

    /// Keys that the token brings itself (`jwk`, `jku`, `x5u`, `x5c`) are never looked at.
    private static func judge(_ header: JSONObject, type: String) throws(JWSFault) {
        // No extension is understood here, so any that is critical is one too many.
        guard header["crit"] == nil else { throw JWSFault(reason: "crit names an extension") }
        if let encoded = header["b64"], encoded != .bool(true) {
            throw JWSFault(reason: "b64 is not true")
        }
        guard header["enc"] == nil, header["zip"] == nil else {
            throw JWSFault(reason: "it is encrypted or compressed")
        }
        if let stated = header["typ"] {
            guard let stated = stated.string, stated.lowercased().isExactly(type.lowercased())
            else { throw JWSFault(reason: "typ is not \(type)") }
        }
        if let content = header["cty"], content.string?.lowercased() == "jwt" {
            throw JWSFault(reason: "it wraps another token")
        }
    }
}
