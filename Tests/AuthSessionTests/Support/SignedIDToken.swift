import AuthModels
import Crypto
import FoundationEssentials
import HTTPTypes

/// A provider's signing key and the ID tokens it signs (ES256).
struct IDTokenSigner {
    private let key = P256.Signing.PrivateKey()

    /// The key set that a provider with this key publishes.
    var keySet: HTTPAnswer {
        let point = Array(key.publicKey.rawRepresentation)
        let x = Self.encode(point[..<32])
        let y = Self.encode(point[32...])
        return .status(
            200,
            """
            {"keys":[{"kty":"EC","crv":"P-256","kid":"k1","use":"sig","alg":"ES256",
             "x":"\(x)","y":"\(y)"}]}
            """)
    }

    func token(
        subject: String, at now: Moment, issuer: String = "https://id.example",
        audience: String = "client", more: String = ""
    ) throws -> String {
        let seconds = Int(now.wall.timeIntervalSince1970)
        let header = Self.encode(#"{"alg":"ES256","kid":"k1","typ":"JWT"}"#.utf8)
        let claims = Self.encode(
            """
            {"iss":"\(issuer)","sub":"\(subject)","aud":"\(audience)","iat":\(seconds),
             "exp":\(seconds + 300)\(more)}
            """.utf8)
        let signed = header + "." + claims
        let signature = try key.signature(for: Data(signed.utf8))
        return signed + "." + Self.encode(signature.rawRepresentation)
    }

    private static func encode(_ bytes: some Sequence<UInt8>) -> String {
        Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
