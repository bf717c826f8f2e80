import Crypto
import FoundationEssentials

extension DemoServer {
    /// A registered client (RFC 6749 §2).
    public struct Client: Sendable {
        /// The client identifier.
        public var id: String
        /// The secret of a confidential client; none makes the client public.
        public var secret: String?
        /// The name that the consent page shows.
        public var name: String
        /// The registered redirect URIs. On a loopback host the port is free (RFC 8252 §7.3).
        public var redirectURIs: [String]
        /// Where the browser may return to after the end of its session.
        public var postLogoutRedirectURIs: [String]
        /// The scopes that the client may ask for.
        public var scopes: [String]
        /// Whether a person is asked for consent the first time.
        public var requiresConsent: Bool

        /// Registers a client.
        public init(
            id: String, secret: String? = nil, name: String,
            redirectURIs: [String] = Client.loopbackRedirects,
            postLogoutRedirectURIs: [String] = Client.loopbackLogoutRedirects,
            scopes: [String] = Scope.allCases.map(\.rawValue), requiresConsent: Bool = true
        ) {
            self.id = id
            self.secret = secret
            self.name = name
            self.redirectURIs = redirectURIs
            self.postLogoutRedirectURIs = postLogoutRedirectURIs
            self.scopes = scopes
            self.requiresConsent = requiresConsent
        }

        /// The loopback redirect URIs of the samples, on any port.
        public static let loopbackRedirects = [
            "http://localhost:3000/callback", "http://127.0.0.1/callback", "http://[::1]/callback",
        ]

        /// Where the samples may return to after the end of the browser's session, on any port.
        public static let loopbackLogoutRedirects = [
            "http://localhost:3000/signed-out", "http://127.0.0.1/signed-out",
            "http://[::1]/signed-out",
        ]

        /// A native application: no secret.
        public static let publicSample = Client(
            id: "73e9cf0d-561a-11e9-9b32-000d3a46a880", name: "KSConnect command")

        /// A web application on its server, with the credentials of the documented Basic header.
        public static let confidentialSample = Client(
            id: "client_id", secret: "client_id_secrtet", name: "KSConnect web example")
    }

    /// The scopes that the provider knows.
    public enum Scope: String, Sendable, CaseIterable {
        /// Brings an ID token (OpenID Connect Core §3.1.2.1).
        case openid
        /// The person's names.
        case profile
        /// The person's address.
        case email
        /// The KS Connect API.
        case userAPI = "user_api.full_access"
        /// Brings a refresh token (OpenID Connect Core §11).
        case offlineAccess = "offline_access"
    }
}

/// Looks clients up and judges their credentials.
struct ClientRegistry: Sendable {
    let clients: [DemoServer.Client]

    func client(id: String) -> DemoServer.Client? {
        clients.first { sameBytes($0.id, id) }
    }

    /// Authenticates the client of a request to the token or revocation endpoint (RFC 6749 §2.3).
    func authenticate(_ request: WebRequest, form: FormFields) throws(OAuthError)
        -> DemoServer.Client
    {
        let given = try credentials(of: request, form: form)
        guard let client = client(id: given.id) else { throw OAuthError(.invalidClient) }
        switch (client.secret, given.secret) {
        case (nil, nil): return client
        case (.some(let expected), .some(let secret)) where sameBytes(expected, secret):
            return client
        case (.some, _), (nil, .some): throw OAuthError(.invalidClient)
        }
    }

    private func credentials(of request: WebRequest, form: FormFields) throws(OAuthError)
        -> (id: String, secret: String?)
    {
        guard let header = request.header("authorization") else {
            guard let id = form["client_id"] else { throw OAuthError(.invalidClient) }
            return (id, form["client_secret"])
        }
        guard form["client_secret"] == nil else {
            // One method of authentication a request, RFC 6749 §2.3.
            throw OAuthError(.invalidRequest, "More than one way of client authentication.")
        }
        guard let basic = BasicCredentials(header: header) else { throw OAuthError(.invalidClient) }
        if let id = form["client_id"], !sameBytes(id, basic.id) {
            throw OAuthError(.invalidClient)
        }
        return (basic.id, basic.secret)
    }
}

/// Client id and secret of a Basic header, each form-encoded by the sender (RFC 6749 §2.3.1).
struct BasicCredentials {
    let id: String
    let secret: String

    init?(header: String) {
        let parts = header.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "basic",
            let decoded = Data(base64Encoded: String(parts[1]))
        else { return nil }
        let bytes = Array(decoded)
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
            let id = FormFields.decode(bytes[..<colon]),
            let secret = FormFields.decode(bytes[(colon + 1)...])
        else { return nil }
        self.id = id
        self.secret = secret
    }
}
