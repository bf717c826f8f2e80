import AuthModels
import FoundationEssentials
import HTTPTypes
import OpenIDConnect

/// The kernel's generator, by way of the standard library.
struct SystemRandom: RandomSource {
    func bytes(_ count: Int) throws(RandomnessUnavailable) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
}

/// A generator that fails, or gives less than it was asked for.
struct BrokenRandom: RandomSource {
    var bytesGiven: Int?

    func bytes(_ count: Int) throws(RandomnessUnavailable) -> [UInt8] {
        guard let bytesGiven else { throw RandomnessUnavailable(errno: 38) }
        return [UInt8](repeating: 7, count: bytesGiven)
    }
}

enum Samples {
    static let issuerText = "https://id.example.test"
    static let clientID = "73e9cf0d-561a-11e9-9b32-000d3a46a880"
    static let now = Date(timeIntervalSince1970: 1_800_000_000)

    static func issuer(_ text: String = issuerText) throws -> Issuer { try Issuer(text) }

    static func endpoints(_ algorithms: [String] = ["RS256"]) throws -> PinnedEndpoints {
        PinnedEndpoints(
            authorization: try WebURL(issuerText + "/connect/authorize"),
            token: try WebURL(issuerText + "/connect/token"),
            jwks: try WebURL(issuerText + "/jwks"),
            userInfo: try WebURL(issuerText + "/connect/userinfo"),
            revocation: try WebURL(issuerText + "/connect/revocation"),
            endSession: try WebURL(issuerText + "/connect/endsession"),
            idTokenAlgorithms: algorithms)
    }

    static func registration(
        authentication: ClientAuthentication = .none, clientID: String = clientID,
        scope: String = "user_api.full_access offline_access", prompt: String? = nil
    ) throws -> ClientRegistration {
        ClientRegistration(
            issuer: try issuer(), clientID: try required(ClientID(clientID)),
            authentication: authentication, scope: try required(Scope(scope)),
            redirectURI: try RedirectURI("http://localhost:3000/callback"),
            apiBase: try WebURL("https://api.example.test"), prompt: prompt)
    }

    static func metadata(issuerInResponse: Bool = false) throws -> ProviderMetadata {
        ProviderMetadata(
            issuer: try issuer(), endpoints: try endpoints(), issuerInResponse: issuerInResponse)
    }

    static func request(
        registration: ClientRegistration? = nil, issuerInResponse: Bool = false,
        policy: AuthorizationRequest.IssuerPolicy = .compareWhenPresent,
        extra: AuthorizationRequest.Extra = .init()
    ) throws -> AuthorizationRequest {
        let registration = try registration ?? self.registration()
        return try AuthorizationRequest(
            registration: registration, redirectURI: registration.redirectURI,
            metadata: try metadata(issuerInResponse: issuerInResponse), random: SystemRandom(),
            extra: extra, issuerPolicy: policy)
    }

    static func answer(
        _ status: Int, _ body: String = "", headers: HTTPFields = [:]
    ) -> HTTPAnswer {
        HTTPAnswer(
            HTTPResponse(status: .init(code: status), headerFields: headers),
            body: Array(body.utf8))
    }

    static func required<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw Missing() }
        return value
    }

    struct Missing: Error {}
}

extension HTTPExchange {
    var bodyText: String { String(decoding: body, as: UTF8.self) }
}

/// The error that a call throws, or nil; for calls with typed errors.
func errorOf<Value>(_ body: () throws -> Value) -> AuthError? {
    do {
        _ = try body()
        return nil
    } catch { return error as? AuthError }
}
