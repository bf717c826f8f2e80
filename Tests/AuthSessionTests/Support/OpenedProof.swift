import AuthModels
import Testing

@testable import OpenIDConnect

/// A DPoP proof taken apart, its signature checked against the key that it brings.
struct OpenedProof {
    let claims: JSONValue
    /// The public half as it stands in the header.
    let key: JSONValue

    init(_ text: String?) throws {
        let parts = try #require(text).split(separator: ".")
        #expect(parts.count == 3)
        let header = try JSONDocument.parse(try #require(Base64URL.decode(parts[0].utf8)))
        claims = try JSONDocument.parse(try #require(Base64URL.decode(parts[1].utf8)))
        key = try #require(header["jwk"])
        let signature = try #require(Base64URL.decode(parts[2].utf8))
        let signed = Array("\(parts[0]).\(parts[1])".utf8)
        let verifying = try #require(JSONWebKey(key))
        #expect(verifying.key.isValid(signature, over: signed, .es256))
    }

    var nonce: String? { claims["nonce"]?.string }
    var identifier: String? { claims["jti"]?.string }
    var issuedAt: String? { claims["iat"]?.number?.text }
    var target: String? { claims["htu"]?.string }
    var thumbprint: String {
        JWKThumbprint.make(
            of: ["crv", "kty", "x", "y"].map { (name: $0, value: key[$0]?.string ?? "") })
    }
}

extension DPoPKey {
    static func sample() throws -> DPoPKey {
        try #require(DPoPKey(SecretBytes([UInt8](repeating: 0x5A, count: 32))))
    }
}
