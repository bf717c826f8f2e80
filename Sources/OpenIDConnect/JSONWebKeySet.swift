public import AuthModels
public import FoundationEssentials
internal import HTTPTypes

/// A provider's public keys (RFC 7517 §5, OpenID Connect Core §10.1).
public struct JSONWebKeySet: Sendable {
    /// More make the set an attack or a mistake; it is refused whole.
    public static let keysMax = 100

    let keys: [JSONWebKey]

    /// How many keys of the set may be used.
    public var count: Int { keys.count }

    /// - Returns: nil where the provider publishes no keys.
    public static func request(_ endpoints: PinnedEndpoints) -> HTTPExchange? {
        endpoints.jwks.map { HTTPExchange(.get, $0, headers: [.accept: "application/json"]) }
    }

    /// Reads a set. Keys that cannot be used here are left out: a provider may publish keys for
    /// other purposes, and a bad one must not hide the good ones (RFC 7517 §5).
    ///
    /// - Throws: `busy` (429), `transient` (404, 408, 5xx), else `discoveryInvalid`.
    public init(judging answer: HTTPAnswer, now: Date? = nil) throws(AuthError) {
        if let error = AnswerStatus.error(of: answer, from: "the provider's keys", now: now) {
            throw error
        }
        guard answer.response.status == 200 else {
            throw .discoveryInvalid("the keys answered HTTP \(answer.response.status.code)")
        }
        let document: JSONValue
        do { document = try JSONDocument.parse(answer.body) } catch {
            throw .discoveryInvalid("the provider's keys: \(error.reason)")
        }
        guard let members = document["keys"]?.array else {
            throw .discoveryInvalid("the provider's keys are not a JSON Web Key Set")
        }
        guard members.count <= Self.keysMax else {
            throw .discoveryInvalid("the provider has more than \(Self.keysMax) keys")
        }
        keys = members.compactMap { JSONWebKey($0) }
    }
}
