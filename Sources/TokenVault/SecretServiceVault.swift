public import AuthModels

/// Keeps keys in the desktop's Secret Service (gnome-keyring, KWallet, KeePassXC) through
/// libsecret.
///
/// A lookup never unlocks: it asks first whether the item is locked, and a prompt is shown only
/// where `promptAllowed` says that a person is there to answer it.
public struct SecretServiceVault: KeyVault {
    public let kind = VaultKind.secretService
    private let promptAllowed: Bool
    private let budget = KeyringBudget()

    /// With a prompt under a person's eyes.
    private static let promptLimit: Duration = .seconds(120)

    public init(promptAllowed: Bool) {
        self.promptAllowed = promptAllowed
    }

    public func load(_ id: KeyID, of store: StoreID) async throws(StoreError) -> DataKey {
        let call = KeyringCall(operation: .load, store: store, key: id)
        let reply = try await answer(to: call)
        guard let line = reply.secret, let key = DataKey(line: line, expecting: id) else {
            throw .key(.wrong)
        }
        return key
    }

    public func create(_ id: KeyID, of store: StoreID) async throws(StoreError) -> DataKey {
        let key = try DataKey.random(id: id)
        let call = KeyringCall(operation: .store(key.line()), store: store, key: id)
        _ = try await answer(to: call)
        // A service that says yes and keeps nothing would cost every token sealed from here on.
        let kept: DataKey
        do {
            kept = try await load(id, of: store)
        } catch .key(.missing), .key(.wrong) {
            throw .key(.refused("it took the key and did not give it back"))
        }
        guard kept.checkValue == key.checkValue else {
            throw .key(.refused("it gave back another key than it was given"))
        }
        return kept
    }

    public func delete(_ id: KeyID, of store: StoreID) async throws(StoreError) {
        let call = KeyringCall(operation: .delete, store: store, key: id)
        do {
            _ = try await answer(to: call)
        } catch .key(.missing) {
            return
        }
    }

    public func state() async -> VaultState {
        let call = KeyringCall(operation: .probe, store: nil, key: nil)
        let reply = await ask(call)
        if let fault = reply.fault { return .fault(fault) }
        return .available(provider: reply.provider)
    }

    /// Asks without a prompt first; a prompt only after the service said "locked".
    private func answer(to call: KeyringCall) async throws(StoreError) -> KeyringReply {
        var reply = await ask(call)
        if reply.fault == .locked, promptAllowed {
            reply = await call.run(mayPrompt: true, within: Self.promptLimit)
        }
        if let fault = reply.fault { throw .key(fault) }
        return reply
    }

    /// Asks without a prompt, within what is left of the time.
    private func ask(_ call: KeyringCall) async -> KeyringReply {
        let started = ContinuousClock.now
        let left = budget.left(at: started)
        guard left > .zero else { return .notAnswering }
        let reply = await call.run(mayPrompt: false, within: left)
        budget.spend(from: started, to: started + reply.took)
        return reply
    }
}
