import AuthModels
import AuthSession
import Desktop
import KSConnect
import Logging
import TokenVault

/// What one run of a command works with. Nothing in it is opened before it is used.
struct Workspace: Sendable {
    let settings: Settings
    let environment: Environment
    let platform: Platform
    let store: any SessionStore
    /// The same, for what is asked of the key.
    let vault: SQLiteSessionStore
    let client: KSConnectClient

    var account: AccountName { client.account }

    init(
        _ flags: GlobalOptions, _ environment: Environment, checksAccount: Bool
    ) async throws {
        settings = try Settings(flags, environment)
        self.environment = environment
        platform = Platform.desktop(environment: environment.variables)
        vault = SQLiteSessionStore(
            directory: settings.dataDirectory, vaults: Self.vaults(settings, environment))
        store = vault
        let level = settings.logLevel
        let storage = SessionStorage(
            store: store, locks: KernelRefreshLock(directory: settings.dataDirectory))
        client = try KSConnectClient(
            account: try await Self.account(settings, store), storage: storage,
            platform: platform,
            logger: Logger(label: "ksconnect") { _ in StandardErrorLogHandler(logLevel: level) })
        if checksAccount { try await checkAccount() }
    }

    private static func vaults(_ settings: Settings, _ environment: Environment) -> VaultSet {
        let source = PassphraseSource(descriptor: settings.passphraseDescriptor)
        return VaultSet(
            chosen: settings.vault,
            SecretServiceVault(promptAllowed: mayPrompt(environment)),
            PassphraseVault(directory: settings.dataDirectory) {
                purpose async throws(StoreError) in try await source.answer(for: purpose)
            },
            CredentialVault(directory: environment["CREDENTIALS_DIRECTORY"]))
    }

    /// A person is there to answer only where both ends are a terminal and a window can open.
    private static func mayPrompt(_ environment: Environment) -> Bool {
        TerminalQuestions.arePossible && environment.hasDisplay
    }

    private static func account(
        _ settings: Settings, _ store: any SessionStore
    ) async throws(AuthError) -> AccountName {
        if let account = settings.account { return account }
        do { return try await store.currentAccount() ?? .default } catch { throw .store(error) }
    }

    /// A flag or variable that names another provider, client or API than the account's would be a
    /// silent mix.
    private func checkAccount() async throws {
        let spoken = settings.spoken.filled(from: settings.spokenProfile ?? ProfileSettings())
        guard
            spoken.issuer != nil || spoken.clientID != nil || spoken.apiURL != nil
                || spoken.dpop != nil
        else { return }
        let record: SessionRecord?
        do { record = try await store.record(of: account) } catch { throw AuthError.store(error) }
        guard let record, record.phase != .signedOut else { return }
        let own = record.registration
        let pairs = [
            ("issuer", spoken.issuer, own.issuer.rawValue),
            ("client id", spoken.clientID, own.clientID.rawValue),
            ("API URL", spoken.apiURL, own.apiBase.rawValue),
            ("setting dpop", try spoken.usesDPoP().map { "\($0)" }, "\(own.usesDPoP)"),
        ]
        for (name, spoken, own) in pairs {
            guard let spoken, !spoken.isExactly(own) else { continue }
            throw CommandFailure.configuration(
                "the account \(account) has another \(name): \(own), not \(spoken)",
                remedy: "leave the setting out, or name another account with --account")
        }
    }

    /// Waits for a refresh or a code exchange whose request may be on its way: the answer, lost, may
    /// cost the session, or leave tokens at the provider that nobody has.
    func settle() async {
        for await state in client.states {
            switch state.name {
            case .refreshing, .signingIn: continue
            case .signedOut, .signedIn, .expired, .signingOut: return
            }
        }
    }

    /// Tells providers of refresh tokens that were given up earlier; best effort and briefly.
    func sendDueRevocations() async {
        guard let waiting = try? await store.pendingRevocationCount(), waiting > 0 else { return }
        // Not a task group: it would wait for the slower of the two.
        let (ending, continuation) = AsyncStream.makeStream(of: Void.self)
        Task {
            await client.service.sendDueRevocations()
            continuation.finish()
        }
        Task {
            try? await Task.sleep(for: .seconds(2))
            continuation.finish()
        }
        for await _ in ending {}
    }
}
