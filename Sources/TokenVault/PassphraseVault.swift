public import AuthModels
internal import FoundationEssentials
internal import GRDB
internal import Synchronization

/// Keeps keys in the store itself, each wrapped under a passphrase: for machines without a Secret
/// Service, by explicit choice.
///
/// Who has the file can try passphrases on it, as fast as scrypt lets them.
public final class PassphraseVault: KeyVault {
    /// What a passphrase is asked for.
    public enum Purpose: Sendable {
        /// To open a key that is there.
        case open
        /// For a new key; a person should type it twice.
        case make
    }

    /// Asks for the passphrase; nil when nobody is there to ask.
    public typealias Question = @Sendable (Purpose) async throws(StoreError) -> SecretBytes?

    public let kind = VaultKind.passphrase
    private static let provider = "the store, under a passphrase"
    private let connection: StoreConnection
    private let ask: Question
    private let cost: WrappedKey.Cost
    /// The passphrase that opened a key or made one; kept as long as the process runs, since it can
    /// be read from a descriptor but once.
    private let known = Mutex<SecretBytes?>(nil)

    /// - Parameter directory: the store's own folder.
    public convenience init(directory: String, ask: @escaping Question) {
        self.init(directory: directory, cost: .standard, ask: ask)
    }

    init(directory: String, cost: WrappedKey.Cost, ask: @escaping Question) {
        connection = StoreConnection(directory: directory)
        self.cost = cost
        self.ask = ask
    }

    public func load(_ id: KeyID, of store: StoreID) async throws(StoreError) -> DataKey {
        let found = try await connection.readIfPresent { try WrappedKey.fetch($0, id) }
        guard let found, let wrapped = found else { throw .key(.missing(Self.provider)) }
        let passphrase = try await passphrase(for: .open)
        // On the connection's own thread: it takes the better part of a second.
        let key = try await connection.run { try wrapped.open(with: passphrase, of: store) }
        known.withLock { $0 = passphrase }
        return key
    }

    public func create(_ id: KeyID, of store: StoreID) async throws(StoreError) -> DataKey {
        let key = try DataKey.random(id: id)
        let passphrase = try await passphrase(for: .make)
        let wrapped = try await connection.run { [self] in
            try WrappedKey(key, under: passphrase, of: store, cost: cost)
        }
        try await connection.write { try wrapped.insert($0) }
        known.withLock { $0 = passphrase }
        return try await load(id, of: store)
    }

    public func delete(_ id: KeyID, of store: StoreID) async throws(StoreError) {
        _ = try await connection.writeIfPresent { try WrappedKey.delete($0, id) }
    }

    public func state() async -> VaultState { .available(provider: Self.provider) }

    public func startAnew() async {
        known.withLock { $0 = nil }
    }

    private func passphrase(for purpose: Purpose) async throws(StoreError) -> SecretBytes {
        if let known = known.withLock({ $0 }) { return known }
        guard let passphrase = try await ask(purpose), passphrase.count > 0 else {
            throw .key(.passphraseNeeded)
        }
        return passphrase
    }
}
