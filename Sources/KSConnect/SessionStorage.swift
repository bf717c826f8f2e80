public import AuthModels
internal import TokenVault

/// Where the sessions of one person are kept: an encrypted SQLite file, its locks and the key.
public struct SessionStorage: Sendable {
    public let store: any SessionStore
    public let locks: any RefreshLocking

    /// Storage of a front end's own.
    public init(store: any SessionStore, locks: any RefreshLocking) {
        self.store = store
        self.locks = locks
    }

    /// The file in `directory` (made 0700 where missing), its key kept by the Secret Service.
    ///
    /// Opens nothing yet.
    ///
    /// - Parameter promptAllowed: whether the keyring may ask the person to unlock it now.
    public static func desktop(directory: String, promptAllowed: Bool) -> SessionStorage {
        SessionStorage(
            store: SQLiteSessionStore(
                directory: directory, vault: SecretServiceVault(promptAllowed: promptAllowed)),
            locks: KernelRefreshLock(directory: directory))
    }

    /// The file in `directory`, its key in the same file under a passphrase (scrypt, RFC 7914).
    ///
    /// - Parameter ask: gives the passphrase, or nil where nobody is there to ask; told whether it
    ///   is for a new key, so that a person can type it twice.
    public static func passphrase(
        directory: String, ask: @escaping @Sendable (_ isNew: Bool) async -> SecretBytes?
    ) -> SessionStorage {
        let vault = PassphraseVault(directory: directory) { purpose async throws(StoreError) in
            await ask(purpose == .make)
        }
        return SessionStorage(
            store: SQLiteSessionStore(directory: directory, vault: vault),
            locks: KernelRefreshLock(directory: directory))
    }

    /// The file in `directory`, its key derived from the credential `ksconnect.key` that systemd
    /// gives to a service (systemd.exec(5)).
    ///
    /// - Parameter credentials: what `CREDENTIALS_DIRECTORY` names.
    public static func credential(directory: String, credentials: String?) -> SessionStorage {
        SessionStorage(
            store: SQLiteSessionStore(
                directory: directory, vault: CredentialVault(directory: credentials)),
            locks: KernelRefreshLock(directory: directory))
    }
}
