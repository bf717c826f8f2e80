import Crypto
import FoundationEssentials

/// What the provider remembers about browsers: sign-ins that wait for a person, sessions, consents.
actor BrowserSessions {
    /// An authorization request that waits for a person.
    struct Interaction: Sendable {
        let request: AuthorizationRequest
        /// The browser that brought the request; no other may go on with it.
        let browser: String
        let started: Date
        /// A password was typed for this very request.
        var hasSignedIn = false
    }

    /// A browser in which someone has signed in.
    struct Session: Sendable {
        let id: String
        let subject: String
        let authTime: Date
    }

    /// How long a login page may stay open, in seconds.
    private static let interactionLifetimeSeconds = 900.0
    /// More waiting sign-ins than this push out the oldest.
    private static let interactionsMax = 10_000

    private let formKey = SymmetricKey(size: .bits256)
    private var interactions: [ExactKey: Interaction] = [:]
    private var sessions: [ExactKey: Session] = [:]
    private var consents: [ExactKey: Set<String>] = [:]

    /// Keeps an authorization request; the ticket names it on the pages that follow.
    func begin(_ request: AuthorizationRequest, browser: String, now: Date) -> String {
        if interactions.count >= Self.interactionsMax,
            let oldest = interactions.min(by: { $0.value.started < $1.value.started })
        {
            interactions[oldest.key] = nil
        }
        let ticket = Opaque.token()
        interactions[ExactKey(ticket)] = Interaction(
            request: request, browser: browser, started: now)
        return ticket
    }

    /// The request behind a ticket, for the browser that brought it.
    func interaction(_ ticket: String, browser: String, now: Date) -> Interaction? {
        guard let found = interactions[ExactKey(ticket)], sameBytes(found.browser, browser),
            now.timeIntervalSince(found.started) < Self.interactionLifetimeSeconds
        else { return nil }
        return found
    }

    /// Ends an interaction; its ticket works no more.
    func finish(_ ticket: String) {
        interactions[ExactKey(ticket)] = nil
    }

    /// Opens a session under a new identifier, so that none planted before sign-in is of use.
    func signIn(_ subject: String, ticket: String, now: Date) -> String {
        let cookie = Opaque.token()
        sessions[ExactKey(cookie)] = Session(
            id: String(Opaque.token().prefix(22)), subject: subject, authTime: now)
        interactions[ExactKey(ticket)]?.hasSignedIn = true
        return cookie
    }

    func session(_ cookie: String?) -> Session? {
        cookie.flatMap { sessions[ExactKey($0)] }
    }

    func signOut(_ cookie: String?) {
        if let cookie { sessions[ExactKey(cookie)] = nil }
    }

    /// Whether a person has granted all these scopes to a client before.
    func hasConsent(subject: String, clientID: String, scopes: [String]) -> Bool {
        consents[ExactKey("\(subject) \(clientID)")]?.isSuperset(of: scopes) ?? false
    }

    func remember(subject: String, clientID: String, scopes: [String]) {
        consents[ExactKey("\(subject) \(clientID)"), default: []].formUnion(scopes)
    }

    /// The value that a form must carry: it proves that the form came from a page of this browser.
    func formProof(browser: String, purpose: String) -> String {
        let message = Data("\(browser) \(purpose)".utf8)
        return Opaque.base64URL(HMAC<SHA256>.authenticationCode(for: message, using: formKey))
    }
}
