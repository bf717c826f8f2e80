import FoundationEssentials

extension DemoServer {
    /// What another process needs to know of a running server, as one line of JSON.
    public struct ReadyLine: Codable, Sendable {
        /// The issuer identifier.
        public let issuer: String
        /// The base of the KS Connect API.
        public let apiURL: String
        /// The control endpoint.
        public let controlURL: String
        /// The key of the control endpoint, for the header `X-Control-Key`.
        public let controlKey: String
        /// The identifier of the first public client.
        public let clientID: String
        /// The identifier of the first confidential client.
        public let confidentialClientID: String
        /// The name of the first sample person.
        public let user: String
        /// The password of the first sample person.
        public let password: String

        /// The line without its line feed.
        public var json: String {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        }
    }

    /// The ready line of this server.
    public var readyLine: ReadyLine {
        let person = configuration.people.first
        return ReadyLine(
            issuer: issuer, apiURL: apiURL, controlURL: controlURL, controlKey: controlKey,
            clientID: configuration.clients.first { $0.secret == nil }?.id ?? "",
            confidentialClientID: configuration.clients.first { $0.secret != nil }?.id ?? "",
            user: person?.username ?? "", password: person?.password ?? "")
    }
}
