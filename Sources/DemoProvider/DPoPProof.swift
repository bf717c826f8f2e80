import Crypto
import FoundationEssentials

/// Why a proof is not taken.
enum DPoPRefusal: Error {
    case invalid(String)
    /// It lacks the server's nonce, or has an old one (RFC 9449 §8).
    case wantsNonce
}

/// The proof of one request, its signature and form judged (RFC 9449 §4.3, steps 1 to 9).
struct DPoPProof: Sendable {
    /// The thumbprint of the key that signed it (RFC 7638).
    let thumbprint: String
    let claims: Claims

    struct Claims: Decodable, Sendable {
        let jti: String
        let htm: String
        let htu: String
        let iat: Int
        let nonce: String?
        let ath: String?
    }

    private struct Header: Decodable {
        let typ: String
        let alg: String
        let jwk: Key
    }

    private struct Key: Decodable {
        let kty: String
        let crv: String
        let x: String
        let y: String
        /// A private key does not belong here.
        let d: String?
    }

    static let lifetimeSeconds = 60
    private static let fieldName = "DPoP"

    static func isIn(_ request: WebRequest) -> Bool { !texts(of: request).isEmpty }

    private static func texts(of request: WebRequest) -> [String] { request.all(fieldName) }

    /// - Parameter url: where the request was sent, without its query.
    init(of request: WebRequest, at url: String, now: Date) throws(DPoPRefusal) {
        let texts = Self.texts(of: request)
        guard texts.count == 1, texts[0].utf8.count <= 8192 else {
            throw .invalid("There must be one proof")
        }
        let parts = texts[0].split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3,
            let header: Header = Self.decoded(parts[0]),
            let claims: Claims = Self.decoded(parts[1]),
            let signature = Opaque.bytes(ofBase64URL: String(parts[2]))
        else { throw .invalid("The proof is no signed token of the right form") }
        guard sameBytes(header.typ, "dpop+jwt"), sameBytes(header.alg, "ES256") else {
            throw .invalid("The proof has another typ or alg")
        }
        let key = header.jwk
        guard sameBytes(key.kty, "EC"), sameBytes(key.crv, "P-256"), key.d == nil,
            let x = Opaque.bytes(ofBase64URL: key.x), let y = Opaque.bytes(ofBase64URL: key.y),
            let verifying = try? P256.Signing.PublicKey(rawRepresentation: x + y),
            let ecdsa = try? P256.Signing.ECDSASignature(rawRepresentation: signature),
            verifying.isValidSignature(ecdsa, for: Data("\(parts[0]).\(parts[1])".utf8))
        else { throw .invalid("The proof's key or signature is wrong") }
        guard sameBytes(claims.htm, request.method), sameBytes(claims.htu, url) else {
            throw .invalid("The proof is for another request")
        }
        let age = now.timeIntervalSince1970 - Double(claims.iat)
        guard abs(age) <= Double(Self.lifetimeSeconds) else {
            throw .invalid("The proof is too old, or the clocks differ")
        }
        guard (8...256).contains(claims.jti.utf8.count) else {
            throw .invalid("The proof has no good identifier")
        }
        self.claims = claims
        thumbprint = Opaque.s256(
            #"{"crv":"P-256","kty":"EC","x":"\#(key.x)","y":"\#(key.y)"}"#)
    }

    private static func decoded<Value: Decodable>(_ part: Substring) -> Value? {
        Opaque.bytes(ofBase64URL: String(part)).flatMap {
            try? JSONDecoder().decode(Value.self, from: Data($0))
        }
    }
}
