public import AuthModels
internal import Crypto
internal import FoundationEssentials

extension DPoPKey {
    /// A new key. One draw in 2^32 is no scalar of the curve and is made again; a source that gives
    /// several of them is broken.
    ///
    /// - Throws: ``RandomnessUnavailable``; no sign-in goes on with a weaker key.
    public init(random: some RandomSource) throws(RandomnessUnavailable) {
        for _ in 0..<4 {
            var bytes = try random.bytes(Self.bytesCount)
            defer { for index in bytes.indices { bytes[index] = 0 } }
            if let key = DPoPKey(SecretBytes(bytes)) {
                self = key
                return
            }
        }
        throw RandomnessUnavailable(errno: 0)
    }

    /// What tokens bound to this key name it by: the SHA-256 thumbprint of its public half
    /// (RFC 7638, RFC 9449 §6.1).
    public func thumbprint() throws(AuthError) -> String {
        JWKThumbprint.make(of: try members())
    }

    /// The public half (RFC 7518 §6.2.1).
    func publicJWK() throws(AuthError) -> String {
        JWKThumbprint.object(try members())
    }

    /// R and S side by side (RFC 7518 §3.4).
    ///
    /// The library draws the signature's own secret number from the kernel, mixed with key and
    /// message, so that a weak generator does not give the key away.
    func signature(over text: String) throws(AuthError) -> [UInt8] {
        do {
            return Array(
                try privateKey().signature(for: SHA256.hash(data: Array(text.utf8)))
                    .rawRepresentation)
        } catch {
            throw .randomnessUnavailable
        }
    }

    private func members() throws(AuthError) -> [(name: String, value: String)] {
        let point: [UInt8]
        do { point = Array(try privateKey().publicKey.rawRepresentation) } catch {
            throw .store(.corrupt("the session's DPoP key is no key"))
        }
        return [
            (name: "crv", value: "P-256"), (name: "kty", value: "EC"),
            (name: "x", value: Base64URL.encode(point.prefix(32))),
            (name: "y", value: Base64URL.encode(point.suffix(32))),
        ]
    }

    private func privateKey() throws -> P256.Signing.PrivateKey {
        try bytes.withBytes { try P256.Signing.PrivateKey(rawRepresentation: $0) }
    }
}

/// A key's own name (RFC 7638 §3).
enum JWKThumbprint {
    /// - Parameter members: those that are required for the key's type, with values that need no
    ///   escaping; in any order.
    static func make(of members: [(name: String, value: String)]) -> String {
        Base64URL.encode(SHA256.hash(data: Array(object(members).utf8)))
    }

    /// The members in the order of their names, without white space.
    static func object(_ members: [(name: String, value: String)]) -> String {
        let sorted = members.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        return "{" + sorted.map { #""\#($0.name)":"\#($0.value)""# }.joined(separator: ",") + "}"
    }
}
