import AuthModels
import Desktop
import Foundation
import KSConnect
import NIOCore

/// The options once they are checked, with the parts of the core that they choose.
struct Settings: Sendable {
    enum Vault: String, Sendable, CaseIterable {
        case credential
        case secretService = "secret-service"
    }

    let registration: ClientRegistration
    let clientSecret: ClientSecret
    let origin: OwnOrigin
    let storage: SessionStorage
    let platform: Platform
    let transport: AsyncHTTPTransport
    let sessionLifetime: Duration
    let idleLimit: Duration
    let sweepInterval: Duration
    let clientsMax: Int
    let signInsMax: Int
    let signInTimeout: Duration
    let requestDeadline: Duration
    let bind: String
    let port: Int

    /// - Throws: `configInvalid`, saying which value is wrong.
    init(_ options: Options, _ environment: [String: String]) throws(AuthError) {
        let origin = try OwnOrigin(publicURL: options.publicURL)
        self.origin = origin
        registration = try Self.registration(options, origin)
        clientSecret = try Self.clientSecret(options, environment)
        switch options.vault {
        case .credential:
            storage = .credential(
                directory: options.dataDir, credentials: environment["CREDENTIALS_DIRECTORY"])
        case .secretService:
            storage = .desktop(directory: options.dataDir, promptAllowed: false)
        }
        transport = AsyncHTTPTransport(environment: environment)
        platform = Platform(
            transport: transport, redirects: NoListener(), browser: NoBrowser(),
            clock: SystemClock(), random: KernelRandom())
        sessionLifetime = .seconds(options.sessionLifetime)
        idleLimit = .seconds(options.idleLimit)
        sweepInterval = .seconds(options.sweepInterval)
        clientsMax = options.clientsMax
        signInsMax = options.signInsMax
        signInTimeout = .seconds(options.signInTimeout)
        requestDeadline = .seconds(options.requestDeadline)
        bind = options.bind
        port = options.port
    }

    private static func registration(
        _ options: Options, _ origin: OwnOrigin
    ) throws(AuthError) -> ClientRegistration {
        var registration = try ClientRegistration(
            clientID: options.clientID,
            profile: Profile(name: "chosen", issuer: options.issuer, apiBase: options.apiURL),
            scope: options.scope, authentication: .basic)
        do {
            registration.redirectURI = try RedirectURI(web: "\(origin)/callback")
        } catch {
            throw .configInvalid("--public-url gives no redirect URI: \(error)")
        }
        return registration
    }

    private static func clientSecret(
        _ options: Options, _ environment: [String: String]
    ) throws(AuthError) -> ClientSecret {
        var text = environment["KSCONNECT_CLIENT_SECRET"]
        if let path = options.clientSecretFile {
            text = try? String(contentsOfFile: path, encoding: .utf8)
                .trimmingCharacters(in: .newlines)
        }
        guard let secret = text.flatMap(ClientSecret.init) else {
            throw .configInvalid(
                "there is no client secret in --client-secret-file or KSCONNECT_CLIENT_SECRET")
        }
        return secret
    }
}

/// A server opens no browser: the person's own is redirected.
private struct NoBrowser: BrowserOpening {
    func open(_ url: WebURL) async throws(BrowserUnavailable) {
        throw BrowserUnavailable(reason: "this is a server")
    }
}

/// Each sign-in brings a ``WebRedirect`` of its own in place of this.
private struct NoListener: RedirectReceiving {
    func listen(on redirectURI: RedirectURI) async throws(RedirectError) -> any RedirectListener {
        throw .closed
    }
}
