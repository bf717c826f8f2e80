public import AuthModels

/// A named set of settings for a provider and its API.
public struct Profile: Hashable, Sendable {
    public let name: String
    public let issuer: String
    public let apiBase: String

    /// Salto KS, for real doors.
    public static let production = Profile(
        name: "production", issuer: "https://identity.eu.my-clay.com",
        apiBase: "https://connect.my-clay.com")

    /// Salto KS for acceptance tests.
    public static let acceptance = Profile(
        name: "acceptance", issuer: "https://identity-acc.eu.my-clay.com",
        apiBase: "https://clp-accept-user.my-clay.com")

    /// The built-in profiles, the default first.
    public static let builtIn = [production, acceptance]

    /// What is asked for unless told otherwise.
    public static let scope = "user_api.full_access offline_access"
    /// Where the redirect comes in unless told otherwise.
    public static let redirectURI = "http://localhost:3000/callback"

    public init(name: String, issuer: String, apiBase: String) {
        self.name = name
        self.issuer = issuer
        self.apiBase = apiBase
    }
}

extension ClientRegistration {
    /// A public client of a profile's provider with the usual scope and redirect URI.
    ///
    /// - Throws: `configInvalid`, saying which value is wrong.
    public init(
        clientID: String, profile: Profile = .production, scope: String = Profile.scope,
        redirectURI: String = Profile.redirectURI,
        authentication: ClientAuthentication = .none, usesDPoP: Bool = false
    ) throws(AuthError) {
        guard let id = ClientID(clientID) else {
            throw .configInvalid("the client id is empty, too long or not printable ASCII")
        }
        guard let scope = Scope(scope) else {
            throw .configInvalid("the scope holds a character that scopes cannot have")
        }
        do {
            self.init(
                issuer: try Issuer(profile.issuer), clientID: id, authentication: authentication,
                scope: scope, redirectURI: try RedirectURI(redirectURI),
                apiBase: try WebURL(profile.apiBase), usesDPoP: usesDPoP)
        } catch let fault as Issuer.Fault {
            throw .configInvalid("issuer: \(fault)")
        } catch let fault as RedirectURI.Fault {
            throw .configInvalid("redirect URI: \(fault)")
        } catch {
            throw .configInvalid("API URL: \(error)")
        }
    }
}
