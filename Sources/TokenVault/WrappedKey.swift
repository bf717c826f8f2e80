internal import AuthModels
internal import Crypto
internal import CryptoExtras
internal import FoundationEssentials
internal import GRDB

/// A data key as it lies in the store: AES-256-GCM under a key that scrypt (RFC 7914) derives from a
/// passphrase and a salt of this key's own.
struct WrappedKey: Sendable {
    /// What scrypt is told. It is kept with the key, so that later versions can ask for more.
    struct Cost: Equatable, Sendable {
        var rounds: Int
        var blockSize: Int
        var parallelism: Int

        /// 128 MiB and about half a second.
        static let standard = Cost(rounds: 1 << 17, blockSize: 8, parallelism: 1)

        /// Numbers that somebody wrote into the file must not take all memory.
        var isBearable: Bool {
            rounds.nonzeroBitCount == 1 && (1 << 10...1 << 20).contains(rounds)
                && (1...16).contains(blockSize) && (1...4).contains(parallelism)
        }
    }

    let id: KeyID
    let salt: Data
    let cost: Cost
    let wrapped: Data

    init(
        _ key: DataKey, under passphrase: SecretBytes, of store: StoreID, cost: Cost
    ) throws(StoreError) {
        let salt = Data(try KernelRandom.bytes(16))
        let place = Self.place(key.id, store, salt, cost)
        let nonce = try KernelRandom.bytes(12)
        id = key.id
        self.salt = salt
        self.cost = cost
        do {
            let wrapping = try Self.derive(passphrase, salt, cost)
            let box = try key.bytes.withBytes { bytes in
                try AES.GCM.seal(
                    bytes, using: wrapping, nonce: AES.GCM.Nonce(data: nonce),
                    authenticating: place)
            }
            guard let combined = box.combined else { throw CryptoKitError.incorrectParameterSize }
            wrapped = combined
        } catch {
            throw .unavailable(.inputOutput("the key could not be put under the passphrase"))
        }
    }

    /// - Throws: `.wrongPassphrase`; an edited row cannot be told from it.
    func open(with passphrase: SecretBytes, of store: StoreID) throws(StoreError) -> DataKey {
        guard cost.isBearable, let box = try? AES.GCM.SealedBox(combined: wrapped) else {
            throw .corrupt("the row of the key under a passphrase cannot be right")
        }
        let wrapping: SymmetricKey
        do { wrapping = try Self.derive(passphrase, salt, cost) } catch {
            throw .unavailable(.inputOutput("scrypt could not be run; is there 128 MiB of memory?"))
        }
        let place = Self.place(id, store, salt, cost)
        guard var plain = try? AES.GCM.open(box, using: wrapping, authenticating: place) else {
            throw .key(.wrongPassphrase)
        }
        defer { plain.resetBytes(in: plain.startIndex..<plain.endIndex) }
        return DataKey(id: id, bytes: SecretBytes(plain))
    }

    private static func derive(
        _ passphrase: SecretBytes, _ salt: Data, _ cost: Cost
    ) throws -> SymmetricKey {
        try passphrase.withBytes { passphrase in
            try KDF.Scrypt.deriveKey(
                from: passphrase, salt: salt, outputByteCount: 32, rounds: cost.rounds,
                blockSize: cost.blockSize, parallelism: cost.parallelism)
        }
    }

    /// What the key belongs to: a wrapped key put into another store does not open there.
    private static func place(
        _ id: KeyID, _ store: StoreID, _ salt: Data, _ cost: Cost
    ) -> [UInt8] {
        var place = CanonicalBytes()
        place.append("ksconnect.wrap.1")
        place.append(store.rawValue)
        place.append(id.rawValue)
        place.append(salt)
        for number in [cost.rounds, cost.blockSize, cost.parallelism] {
            place.append(Int64(number))
        }
        return place.bytes
    }
}

extension WrappedKey {
    static func fetch(_ db: Database, _ id: KeyID) throws -> WrappedKey? {
        try Row.fetchOne(
            db, sql: "SELECT * FROM wrapped_key WHERE key_id = ?", arguments: [id.rawValue]
        ).map(WrappedKey.init)
    }

    private init(_ row: Row) throws {
        let reader = ColumnReader(row: row, what: "the row of a key under a passphrase")
        id = try reader.key("key_id")
        guard let salt = try reader.data("salt"), let wrapped = try reader.data("wrapped"),
            let rounds = Int(exactly: try reader.number("cost")),
            let blockSize = Int(exactly: try reader.number("block_size")),
            let parallelism = Int(exactly: try reader.number("parallelism"))
        else { throw reader.damaged("wrapped") }
        self.salt = salt
        self.wrapped = wrapped
        cost = Cost(rounds: rounds, blockSize: blockSize, parallelism: parallelism)
    }

    func insert(_ db: Database) throws {
        var columns = Columns()
        columns.set("key_id", id.rawValue)
        columns.set("salt", salt)
        columns.set("cost", Int64(cost.rounds))
        columns.set("block_size", Int64(cost.blockSize))
        columns.set("parallelism", Int64(cost.parallelism))
        columns.set("wrapped", wrapped)
        try columns.insert(db, into: "wrapped_key", replacing: true)
    }

    static func delete(_ db: Database, _ id: KeyID) throws {
        try db.execute(
            sql: "DELETE FROM wrapped_key WHERE key_id = ?", arguments: [id.rawValue])
    }
}
