extension DemoServer {
    /// Everything about the demo provider that is settled when it starts.
    ///
    /// The knobs among these values (lifetimes, rotation, grace) can be changed at run time through
    /// the control endpoint.
    public struct Configuration: Sendable {
        /// The host name that the issuer and the API are known under.
        public enum Host: String, Sendable, CaseIterable {
            /// `127.0.0.1`, an address that no resolver can turn elsewhere.
            case address = "127.0.0.1"
            /// `localhost`. The server still listens on 127.0.0.1 alone.
            case localhost
        }

        /// What a refresh does to the refresh token that paid for it.
        public enum Rotation: String, Sendable, Codable, CaseIterable {
            /// Each answer brings a new token; the old one is spent (RFC 9700 §4.14.2).
            case oneTime
            /// The same token stays valid.
            case reuse
        }

        /// The host name that stands in the issuer.
        public var host = Host.address
        /// The TCP port; 0 asks for an ephemeral one.
        public var port = 0
        /// Serves the API on a second ephemeral port instead of under `/api` of the first.
        public var apiOnOwnPort = false
        /// Lifetime of an access token, in seconds.
        public var accessTokenLifetimeSeconds = 3_600
        /// Lifetime of an ID token, in seconds.
        public var identityTokenLifetimeSeconds = 300
        /// Lifetime of an authorization code, in seconds.
        public var authorizationCodeLifetimeSeconds = 300
        /// Lifetime of a refresh token family from its sign-in on, in seconds.
        public var refreshTokenLifetimeSeconds = 30 * 86_400
        /// Whether a refresh token is spent by its use.
        public var rotation = Rotation.oneTime
        /// How long a spent refresh token is still taken, in seconds; 0 is no grace.
        public var graceSeconds = 0
        /// Answers `/v1.2/sites` as a bare array instead of the usual list.
        public var sitesAsBareArray = false
        /// The number of items on one page of a list of the API, where `$top` does not say.
        public var pageSize = 3
        /// How long an unlocked door stays open, in seconds.
        public var doorOpenSeconds = 5
        /// The one-time password that opens the locks of sites that ask for one.
        public var oneTimePassword = "246810"
        /// Shows the sample people and their passwords on the login page.
        public var showsSampleAccounts = true
        /// The clients that are registered.
        public var clients = [Client.publicSample, .confidentialSample]
        /// The people who can sign in.
        public var people = [Person.alice, .bob]
        /// A file that gets one line for each request, secrets cut; none without a path.
        public var requestLogPath: String?

        /// The defaults: an ephemeral port of 127.0.0.1, rotation, no faults.
        public init() {}
    }
}
