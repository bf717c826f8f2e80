public import AuthModels

/// A place that keeps data keys. Which one is used is configuration, never a fallback.
///
/// Every function answers within its own deadline and blocks no thread of the cooperative pool.
public protocol KeyVault: Sendable {
    /// Which of the vaults that a store knows this is.
    var kind: VaultKind { get }

    /// Reads a key.
    ///
    /// - Throws: ``StoreError/key(_:)``; `.missing` only where the vault is open and has no such
    ///   key, `.locked` or `.dismissed` wherever that is not sure.
    func load(_ id: KeyID, of store: StoreID) async throws(StoreError) -> DataKey

    /// Makes a key under a name not used before, keeps it and reads it back.
    func create(_ id: KeyID, of store: StoreID) async throws(StoreError) -> DataKey

    /// Forgets a key; one that is not there is no error.
    func delete(_ id: KeyID, of store: StoreID) async throws(StoreError)

    /// Whether keys can be read now, without asking anybody anything.
    func state() async -> VaultState

    /// Called before a key is moved to this very vault anew, so that what opens it may be changed.
    func startAnew() async
}

extension KeyVault {
    public func startAnew() async {}
}

/// The vaults by the names that a person chooses them with.
public enum VaultKind: String, CaseIterable, Sendable {
    case secretService = "secret-service"
    case passphrase
    case credential
}

/// The vaults that a store may find its keys in, and which of them was asked for.
public struct VaultSet: Sendable {
    /// Nil where nobody chose: then it is the one that keeps the key already, and the Secret
    /// Service for a new store. Another than the one that keeps the key is refused.
    public var chosen: VaultKind?
    private let vaults: [VaultKind: any KeyVault]

    public init(chosen: VaultKind?, _ vaults: any KeyVault...) {
        self.chosen = chosen
        self.vaults = Dictionary(vaults.map { ($0.kind, $0) }) { _, last in last }
    }

    /// - Throws: ``StoreError/key(_:)`` with `.otherVault` where this program was not given it.
    func vault(_ kind: VaultKind) throws(StoreError) -> any KeyVault {
        if let vault = vaults[kind] { return vault }
        let others = vaults.keys.map(\.rawValue).sorted().joined(separator: ", ")
        throw .key(.otherVault(kept: kind.rawValue, chosen: others))
    }
}

/// What a vault says about itself.
public enum VaultState: Hashable, Sendable {
    /// It is open; names who answers.
    case available(provider: String)
    case fault(KeyFault)
}

/// The state of a database's key, which is no state of the session.
public enum KeyState: Hashable, Sendable {
    /// The key is at hand; names who keeps it.
    case available(provider: String)
    /// No key was ever needed, and the vault is open.
    case notMade(provider: String)
    case fault(KeyFault)
}

extension KeyState {
    /// One word for programs.
    public var name: String {
        switch self {
        case .available: "available"
        case .notMade: "notMade"
        case .fault(.unavailable): "unavailable"
        case .fault(.notAnswering): "notAnswering"
        case .fault(.locked): "locked"
        case .fault(.dismissed): "dismissed"
        case .fault(.missing): "missing"
        case .fault(.lost): "lost"
        case .fault(.wrong): "wrong"
        case .fault(.rotating): "rotating"
        case .fault(.refused): "refused"
        case .fault(.passphraseNeeded): "passphraseNeeded"
        case .fault(.wrongPassphrase): "wrongPassphrase"
        case .fault(.noCredential): "noCredential"
        case .fault(.otherVault): "otherVault"
        case .fault(.cancelled): "cancelled"
        }
    }
}
