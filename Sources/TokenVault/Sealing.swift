internal import AuthModels
internal import Crypto
internal import FoundationEssentials

/// What a sealed value belongs to. It is the additional data of the seal, so that a value moved to
/// another account, field or generation no longer opens.
struct SealContext: Sendable {
    var account: AccountName
    var issuer: String
    var sessionID: SessionID
    var generation: Generation
    /// Digest of the client and its endpoints as they stand in clear: a token whose row names
    /// another endpoint does not open.
    var client: [UInt8]

    init(
        account: AccountName, sessionID: SessionID, generation: Generation,
        registration: ClientRegistration, endpoints: PinnedEndpoints
    ) {
        self.account = account
        issuer = registration.issuer.rawValue
        self.sessionID = sessionID
        self.generation = generation
        var columns = Columns()
        columns.set(registration, endpoints)
        client = columns.digest
    }

    init(_ record: SessionRecord) {
        self.init(
            account: record.account, sessionID: record.id, generation: record.generation,
            registration: record.registration, endpoints: record.endpoints)
    }

    enum Field: String, Sendable {
        case access, refresh, id, clientSecret, dpopKey, nonce, ledger
    }

    private static let schema = "ksconnect.seal.1"

    func additionalData(_ field: Field, key: KeyID) -> [UInt8] {
        var data = CanonicalBytes()
        data.append(Self.schema)
        data.append(account.rawValue)
        data.append(issuer)
        data.append(field.rawValue)
        data.append(sessionID.rawValue)
        data.append(generation.rawValue)
        data.append(key.rawValue)
        data.append(client)
        return data.bytes
    }
}

/// AES-256-GCM under one data key (NIST SP 800-38D). The nonce is 96 random bits of the kernel for
/// every seal, never a counter: a forked or restored process has no state to repeat.
struct Sealer: Sendable {
    let key: DataKey

    func seal(
        _ plain: UnsafeRawBufferPointer, _ field: SealContext.Field, _ context: SealContext
    ) throws(StoreError) -> Data {
        let nonce = try KernelRandom.bytes(12)
        do {
            let box = try AES.GCM.seal(
                plain, using: key.symmetric, nonce: AES.GCM.Nonce(data: nonce),
                authenticating: context.additionalData(field, key: key.id))
            guard let combined = box.combined else { throw CryptoKitError.incorrectParameterSize }
            return combined
        } catch {
            throw .unavailable(.inputOutput("sealing failed"))
        }
    }

    func seal(
        _ secret: SecretBytes?, _ field: SealContext.Field, _ context: SealContext
    ) throws(StoreError) -> Data? {
        guard let secret else { return nil }
        return try secret.withBytes { bytes throws(StoreError) in
            try seal(bytes, field, context)
        }
    }

    /// - Throws: `.corrupt` when the value was edited, moved, or sealed for something else.
    func open(
        _ sealed: Data?, _ field: SealContext.Field, _ context: SealContext
    ) throws(StoreError) -> SecretBytes? {
        guard let sealed else { return nil }
        do {
            let box = try AES.GCM.SealedBox(combined: sealed)
            var plain = try AES.GCM.open(
                box, using: key.symmetric,
                authenticating: context.additionalData(field, key: key.id))
            defer { plain.resetBytes(in: plain.startIndex..<plain.endIndex) }
            return SecretBytes(plain)
        } catch {
            throw .corrupt(
                "the sealed \(field.rawValue) of account \(context.account) does not open: "
                    + "it was edited or belongs to something else")
        }
    }
}
