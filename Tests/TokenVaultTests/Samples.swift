import AuthModels
import Foundation
import GRDB
import Testing

@testable import TokenVault

/// A folder that goes with the last reference to it.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/vault-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The data folder, not made yet.
    var data: String { path + "/data" }
    var database: String { data + "/store.sqlite" }

    /// A store on the real Secret Service.
    func store() -> SQLiteSessionStore {
        SQLiteSessionStore(directory: data, vault: SecretServiceVault(promptAllowed: false))
    }

    /// A connection of its own to look at, or tamper with, what the store wrote.
    func raw() throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        return try DatabaseQueue(path: database, configuration: configuration)
    }

    /// All bytes of all files.
    func everything() throws -> [(name: String, bytes: Data)] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: data)
        return names.compactMap { name in
            FileManager.default.contents(atPath: data + "/" + name).map { (name, $0) }
        }
    }

    func mode(_ name: String) throws -> Int {
        let facts = try FileManager.default.attributesOfItem(atPath: data + name)
        return (facts[.posixPermissions] as? NSNumber)?.intValue ?? -1
    }
}

/// Gives every key out as if there were none to be had; no call gets as far as a keyring.
struct ClosedVault: KeyVault {
    var fault = KeyFault.locked
    let kind = VaultKind.secretService

    func load(_: KeyID, of _: StoreID) async throws(StoreError) -> DataKey { throw .key(fault) }
    func create(_: KeyID, of _: StoreID) async throws(StoreError) -> DataKey { throw .key(fault) }
    func delete(_: KeyID, of _: StoreID) async throws(StoreError) { throw .key(fault) }
    func state() async -> VaultState { .fault(fault) }
}

func name(_ text: String = "alice") throws -> AccountName { try made(AccountName(text)) }

let sampleMoment = Moment(
    wall: Date(timeIntervalSince1970: 1_780_000_000.25), sinceBoot: .nanoseconds(98_765_432_100),
    bootID: "6f1c2a7e-0000-4000-8000-000000000001")

func sampleTokens(_ tag: String) throws -> TokenSet {
    TokenSet(
        access: try made(AccessToken("canary-access-\(tag)")),
        refresh: try made(RefreshToken("canary-refresh-\(tag)")),
        id: try made(IDToken("canary.id.\(tag)")))
}

func sampleSession(
    _ account: String = "alice", id: String = "s1", tag: String = "0",
    secret: String? = "canary:+%", dpopKey: DPoPKey? = nil
) throws -> NewSession {
    let url = { (path: String) throws in try WebURL("https://id.example.org" + path) }
    return NewSession(
        account: try name(account), id: try made(SessionID(id)),
        registration: ClientRegistration(
            issuer: try Issuer("https://id.example.org"),
            clientID: try made(ClientID("client_id")), authentication: .basic,
            scope: try made(Scope("openid offline_access")),
            redirectURI: try RedirectURI("http://localhost:3000/callback"),
            apiBase: try WebURL("https://api.example.org/v1"), usesDPoP: dpopKey != nil),
        clientSecret: secret.flatMap { ClientSecret($0) }, dpopKey: dpopKey,
        endpoints: PinnedEndpoints(
            authorization: try url("/connect/authorize"), token: try url("/connect/token"),
            jwks: try url("/jwks"), revocation: try url("/connect/revocation"),
            idTokenAlgorithms: ["RS256", "ES256"]),
        identity: Identity(
            subject: try made(Subject("person-1")), nonce: "canary-nonce",
            authenticatedAt: 1_780_000_000, authorizedParty: "client_id"),
        grantedScope: try made(Scope("openid offline_access")),
        expiry: TokenExpiry(obtained: sampleMoment, lifetime: .seconds(3600)),
        tokens: try sampleTokens(tag))
}

func sampleRefresh(_ tag: String) throws -> RefreshedTokens {
    RefreshedTokens(
        tokens: try sampleTokens(tag),
        identity: Identity(subject: try made(Subject("person-1")), nonce: "canary-nonce"),
        grantedScope: try made(Scope("openid")),
        expiry: TokenExpiry(obtained: sampleMoment.advanced(by: .seconds(60)), lifetime: nil))
}

let longAgo = Date(timeIntervalSince1970: 0)

/// A value that the sample's own text must give.
func made<Value>(_ value: Value?) throws -> Value {
    guard let value else { throw StoreError.corrupt("a sample is not valid") }
    return value
}
