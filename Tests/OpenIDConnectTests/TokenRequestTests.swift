import AuthModels
import HTTPTypes
import OpenIDConnect
import Testing

@Suite("Token requests on the wire")
struct TokenRequestTests {
    func refresh(
        _ authentication: ClientAuthentication, id: String = "client_id",
        secret: String? = "client_id_secrtet", token: String = "8xLOxBtZp8"
    ) throws -> HTTPExchange {
        TokenRequest.refresh(
            try #require(RefreshToken(token)),
            registration: try Samples.registration(authentication: authentication, clientID: id),
            clientSecret: try secret.map { try #require(ClientSecret($0)) },
            endpoints: try Samples.endpoints())
    }

    func callback(_ registration: ClientRegistration) throws -> AuthorizationCallback {
        let request = try Samples.request(registration: registration)
        return try AuthorizationCallback(
            target: "/callback?code=SplxlOBeZQQYbYS6WxSbIA&state=\(request.state)",
            answering: request)
    }

    @Test("A confidential client's refresh is byte for byte the flow's")
    func confidentialRefresh() throws {
        let exchange = try refresh(.basic)
        #expect(exchange.request.method == .post)
        #expect(exchange.request.scheme == "https")
        #expect(exchange.request.authority == "id.example.test")
        #expect(exchange.request.path == "/connect/token")
        #expect(exchange.bodyText == "grant_type=refresh_token&refresh_token=8xLOxBtZp8")
        let headers = exchange.request.headerFields
        #expect(headers[.contentType] == "application/x-www-form-urlencoded")
        #expect(headers[.authorization] == "Basic Y2xpZW50X2lkOmNsaWVudF9pZF9zZWNydGV0")
        #expect(headers[.accept] == "application/json")
        #expect(headers.count == 3)
    }

    @Test("Case 35: a public client names itself in the form and sends no Authorization")
    func publicRefresh() throws {
        for exchange in [try refresh(.none, secret: nil), try refresh(.none)] {
            #expect(
                exchange.bodyText
                    == "grant_type=refresh_token&refresh_token=8xLOxBtZp8&client_id=client_id")
            #expect(exchange.request.headerFields[.authorization] == nil)
        }
    }

    @Test("Case 35: Basic form-encodes id and secret first, basic-raw does not")
    func basic() throws {
        // `a%3Ab+c:s%3A%25%2B%C3%A9+x` and `a b:s:%+é x`.
        let encoded = try refresh(.basic, id: "a:b c", secret: "s:%+é x")
        #expect(
            encoded.request.headerFields[.authorization]
                == "Basic YSUzQWIrYzpzJTNBJTI1JTJCJUMzJUE5K3g=")
        let raw = try refresh(.basicRaw, id: "a b", secret: "s:%+é x")
        #expect(raw.request.headerFields[.authorization] == "Basic YSBiOnM6JSvDqSB4")
    }

    @Test("Case 35: a secret is in the header or in the form, never in both")
    func post() throws {
        let exchange = try refresh(.post, secret: "s+ &=")
        #expect(exchange.request.headerFields[.authorization] == nil)
        #expect(exchange.bodyText.hasSuffix("&client_id=client_id&client_secret=s%2B+%26%3D"))
        for authentication in [ClientAuthentication.basic, .basicRaw] {
            #expect(!(try refresh(authentication).bodyText.contains("secret=")))
            #expect(!(try refresh(authentication).bodyText.contains("client_id=")))
        }
    }

    @Test("Case 34: a refresh token of odd bytes arrives as it is")
    func oddToken() throws {
        let odd = "a+/=&% b~!*'()\"\\"
        let body = try refresh(.basic, token: odd).bodyText
        let value = try #require(body.split(separator: "&").last?.dropFirst("refresh_token=".count))
        #expect(FormCoder.decode(String(value)) == odd)
        #expect(value == "a%2B%2F%3D%26%25+b~%21%2A%27%28%29%22%5C")
    }

    @Test("The code exchange carries code, redirect URI and verifier")
    func codeExchange() throws {
        let callback = try callback(Samples.registration())
        let exchange = try TokenRequest.codeExchange(callback, clientSecret: nil)
        let verifier = callback.request.pkce.verifier.reveal()
        #expect(
            exchange.bodyText == "grant_type=authorization_code&code=SplxlOBeZQQYbYS6WxSbIA"
                + "&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback"
                + "&code_verifier=\(verifier)&client_id=73e9cf0d-561a-11e9-9b32-000d3a46a880")
        #expect(exchange.request.headerFields[.authorization] == nil)
        #expect(exchange.request.path == "/connect/token")
    }

    @Test("Case 35: a confidential client without its secret sends nothing")
    func missingSecret() throws {
        for authentication in [ClientAuthentication.basic, .basicRaw, .post] {
            let callback = try callback(Samples.registration(authentication: authentication))
            let error = errorOf { try TokenRequest.codeExchange(callback, clientSecret: nil) }
            #expect(error?.kind == "configInvalid")
        }
    }
}
