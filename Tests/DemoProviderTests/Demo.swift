import AsyncHTTPClient
import DemoProvider
import FoundationEssentials
import NIOCore
import NIOHTTP1
import Testing

/// The verifier and challenge of RFC 7636 Appendix B.
let sampleVerifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
let sampleChallenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
let sampleRedirect = "http://localhost:3000/callback"
let harbour = "0b9f6a52-7c54-4a1e-9f5e-2d8b6c1e4a10"
let frontDoor = "c3e1a7d4-0001-4b2f-9c11-7e5d3a2b1c01"
let vault = "c3e1a7d4-0005-4b2f-9c11-7e5d3a2b1c05"
let apiScope = "user_api.full_access offline_access"
let fullScope = "openid profile email user_api.full_access offline_access"

/// An answer, read whole.
struct Reply {
    let status: Int
    private let headers: HTTPHeaders
    let body: [UInt8]

    init(status: Int, headers: HTTPHeaders, body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    var text: String { String(decoding: body, as: UTF8.self) }
    var location: String? { header("location") }
    func header(_ name: String) -> String? { headers.first(name: name) }
    func all(_ name: String) -> [String] { headers[name] }
    var json: JSONValue { get throws { try JSONValue(body) } }
    /// The member `error` of an OAuth error.
    var error: String? { (try? json)?["error"]?.text }
}

/// The running server and a client without a browser's memory.
struct Demo {
    let server: DemoServer
    let http: HTTPClient

    func send(
        _ method: String, _ url: String, headers: [(String, String)] = [], body: String? = nil
    ) async throws -> Reply {
        var request = HTTPClientRequest(url: url)
        request.method = HTTPMethod(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        let response = try await http.execute(request, timeout: .seconds(20))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        return Reply(
            status: Int(response.status.code), headers: response.headers,
            body: Array(bytes.readableBytesView))
    }

    func post(
        _ url: String, form: [(String, String)], headers: [(String, String)] = []
    ) async throws -> Reply {
        let type = ("Content-Type", "application/x-www-form-urlencoded")
        return try await send("POST", url, headers: headers + [type], body: encode(form))
    }

    /// A request to the token endpoint by the public client.
    func token(_ form: [(String, String)]) async throws -> Reply {
        let id = server.configuration.clients[0].id
        return try await post(
            server.issuer + "/connect/token", form: form + [("client_id", id)])
    }

    func refresh(_ token: String) async throws -> Reply {
        try await self.token([("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    func exchange(_ code: String, verifier: String = sampleVerifier) async throws -> Reply {
        try await token([
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", sampleRedirect),
            ("code_verifier", verifier),
        ])
    }

    /// Signs alice in with a new browser and returns the token answer.
    func signIn(scope: String = apiScope) async throws -> JSONValue {
        let callback = try await Browser(self).signIn(authorize(scope: scope))
        let reply = try await exchange(try #require(callback["code"]))
        try #require(reply.status == 200, "\(reply.text)")
        return try reply.json
    }

    /// An authorization request; `changes` replace or, when nil, remove a parameter.
    func authorize(scope: String = apiScope, _ changes: [String: String?] = [:]) -> String {
        var parameters = [
            ("response_type", "code"), ("scope", scope),
            ("client_id", server.configuration.clients[0].id), ("redirect_uri", sampleRedirect),
            ("state", "a state"), ("code_challenge", sampleChallenge),
            ("code_challenge_method", "S256"),
        ].filter { changes[$0.0] == nil }
        parameters += changes.compactMap { name, value in value.map { (name, $0) } }
        return server.issuer + "/connect/authorize?" + encode(parameters)
    }

    func api(
        _ path: String, method: String = "GET", token: String, body: String? = nil
    ) async throws -> Reply {
        let url = path.hasPrefix("http") ? path : server.apiURL + path
        return try await send(
            method, url, headers: [("Authorization", "Bearer \(token)")], body: body)
    }

    @discardableResult
    func control(_ command: String) async throws -> Reply {
        try await send(
            "POST", server.controlURL, headers: [("X-Control-Key", server.controlKey)],
            body: command)
    }

    func counters() async throws -> JSONValue {
        try await send(
            "GET", server.controlURL + "/counters",
            headers: [("X-Control-Key", server.controlKey)]
        ).json
    }
}

/// Starts a server on an ephemeral port and stops it after the body.
func withDemo(
    _ change: (inout DemoServer.Configuration) -> Void = { _ in },
    _ body: (Demo) async throws -> Void
) async throws {
    var configuration = DemoServer.Configuration()
    change(&configuration)
    let server = try await DemoServer.start(configuration)
    var settings = HTTPClient.Configuration()
    settings.redirectConfiguration = .disallow
    // A repeat by the client itself would hide what a dropped connection does.
    settings.connectionPool.retryConnectionEstablishment = false
    let http = HTTPClient(configuration: settings)
    do {
        try await body(Demo(server: server, http: http))
    } catch {
        try await http.shutdown()
        await server.stop()
        throw error
    }
    try await http.shutdown()
    await server.stop()
}

/// Form-encodes pairs; escapes everything but letters and digits.
func encode(_ pairs: [(String, String)]) -> String {
    func escape(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                default: false
                }
            let hex = String(byte, radix: 16, uppercase: true)
            return isPlain
                ? String(UnicodeScalar(byte)) : "%" + (hex.utf8.count < 2 ? "0" : "") + hex
        }.joined()
    }
    return pairs.map { "\(escape($0.0))=\(escape($0.1))" }.joined(separator: "&")
}

/// The parameters of a URL's query.
func query(of url: String) -> [String: String] {
    let text = url.split(separator: "?", maxSplits: 1).dropFirst().first ?? ""
    var values: [String: String] = [:]
    for pair in text.split(separator: "&") {
        let sides = pair.split(separator: "=", maxSplits: 1).map(String.init)
        values[sides[0]] = sides.count > 1 ? unescape(sides[1]) : ""
    }
    return values
}

private func unescape(_ text: String) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%"), rest.count >= 2,
            let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
        {
            bytes.append(value)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// A part of a JWT: 0 the header, 1 the claims.
func part(_ index: Int, of token: String) throws -> JSONValue {
    let parts = token.split(separator: ".")
    try #require(parts.count == 3)
    var text = parts[index].replacing("-", with: "+").replacing("_", with: "/")
    while text.utf8.count % 4 != 0 { text += "=" }
    return try JSONValue(try #require(Data(base64Encoded: String(text))))
}
