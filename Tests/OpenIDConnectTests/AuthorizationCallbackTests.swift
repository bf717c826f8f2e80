import AuthModels
import OpenIDConnect
import Testing

@Suite("Authorization callback")
struct AuthorizationCallbackTests {
    func error(_ query: String, _ request: AuthorizationRequest) -> AuthError? {
        errorOf { try AuthorizationCallback(target: "/callback?" + query, answering: request) }
    }

    @Test("A code with the right state is taken as it stands")
    func good() throws {
        let request = try Samples.request()
        let target = "/callback?code=abc&scope=x&state=\(request.state)&session_state=1"
        #expect(AuthorizationCallback.judge(target: target, answering: request) == .accepted)
        let callback = try AuthorizationCallback(target: target, answering: request)
        #expect(callback.code.reveal() == "abc")
        #expect(!"\(callback.code)".contains("abc"))
    }

    @Test("Case 15: a state that is missing, empty, cut, of other case or doubled is refused")
    func state() throws {
        let request = try Samples.request()
        let state = request.state
        let swapped = state.map { $0.isLowercase ? $0.uppercased() : $0.lowercased() }.joined()
        let queries = [
            "code=a", "code=a&state=", "code=a&state=\(swapped)",
            "code=a&state=\(state.dropLast())",
            "code=a&state=\(state)x", "code=a&state=\(state)&state=other",
            "code=a&state=other&state=\(state)", "code=a&state=\(state)&state=\(state)",
            "code=a&State=\(state)", "code=a&state=\(state)%00", "code=a&state=%zz", "",
        ]
        for query in queries {
            #expect(error(query, request)?.kind == "authorizationResponseInvalid", "\(query)")
            #expect(
                AuthorizationCallback.judge(target: "/callback?" + query, answering: request)
                    == .rejected, "\(query)")
        }
    }

    @Test("Case 16: two codes, a code beside an error, and neither are refused")
    func codeAndError() throws {
        let request = try Samples.request()
        let state = "&state=\(request.state)"
        for query in [
            "code=a&code=a", "code=a&%63ode=b", "code=a&error=access_denied", "error=a&error=b",
            "code=", "session_state=1", "iss=x&iss=x&code=a", "code=%FF", "code=%4",
        ] {
            #expect(
                error(query + state, request)?.kind == "authorizationResponseInvalid", "\(query)")
            // It carries the right state, so it does use the sign-in up.
            #expect(
                AuthorizationCallback.judge(
                    target: "/callback?" + query + state, answering: request) == .accepted)
        }
    }

    @Test(
        "Case 17: an iss that differs by one byte is a mix-up, advertised or not",
        arguments: [
            "https%3A%2F%2Fother.example.test", "https%3A%2F%2Fid.example.test%2F",
            "https%3A%2F%2FID.example.test", "https%3A%2F%2Fid.example.test%3A443",
            "https%253A%252F%252Fid.example.test", "https%3A%2F%2Fid.example.test%CC%81", "",
        ], [true, false])
    func wrongIssuer(iss: String, isAdvertised: Bool) throws {
        let request = try Samples.request(issuerInResponse: isAdvertised)
        #expect(error("code=a&state=\(request.state)&iss=\(iss)", request) == .issuerMismatch)
        #expect(
            error("error=access_denied&state=\(request.state)&iss=\(iss)", request)
                == .issuerMismatch)
    }

    @Test("Case 17: missing though advertised is a mismatch; unadvertised follows the policy")
    func issuerPolicy() throws {
        let right = "&iss=https%3A%2F%2Fid.example.test"
        let wrong = "&iss=https%3A%2F%2Fother.example.test"
        let advertised = try Samples.request(issuerInResponse: true)
        #expect(error("code=a&state=\(advertised.state)", advertised) == .issuerMismatch)
        #expect(error("code=a&state=\(advertised.state)\(right)", advertised) == nil)
        let compared = try Samples.request(policy: .compareWhenPresent)
        #expect(error("code=a&state=\(compared.state)", compared) == nil)
        #expect(error("code=a&state=\(compared.state)\(right)", compared) == nil)
        #expect(error("code=a&state=\(compared.state)\(wrong)", compared) == .issuerMismatch)
        let ignored = try Samples.request(policy: .ignoreUnadvertised)
        #expect(error("code=a&state=\(ignored.state)\(wrong)", ignored) == nil)
        let both = try Samples.request(issuerInResponse: true, policy: .ignoreUnadvertised)
        #expect(error("code=a&state=\(both.state)\(wrong)", both) == .issuerMismatch)
    }

    @Test("Case 18: an answer on another path, or of another sign-in, is refused")
    func otherPath() throws {
        let request = try Samples.request()
        let other = try Samples.request()
        let query = "?code=a&state=\(request.state)"
        for path in [
            "/callback/", "/Callback", "/", "", "/callback%2F", "/x/../callback", "//callback",
        ] {
            #expect(
                errorOf { try AuthorizationCallback(target: path + query, answering: request) }?
                    .kind
                    == "authorizationResponseInvalid")
            #expect(
                AuthorizationCallback.judge(target: path + query, answering: request) == .rejected)
        }
        #expect(
            AuthorizationCallback.judge(target: "/callback" + query, answering: other) == .rejected)
    }

    @Test("Case 19: an odd code goes to the token request byte by byte")
    func oddCodes() throws {
        let request = try Samples.request()
        let codes = [
            "a+b", "a/b", "a%b", "a=b", "a&b", "a#b", "a b", "%41", "~._-*'()!@:;,",
            String(repeating: "x", count: 4096),
        ]
        for code in codes {
            let target = "/callback?code=\(FormCoder.encode(code))&state=\(request.state)"
            let callback = try AuthorizationCallback(target: target, answering: request)
            #expect(callback.code.reveal() == code)
            let exchange = try TokenRequest.codeExchange(callback, clientSecret: nil)
            #expect(exchange.bodyText.contains("&code=\(FormCoder.encode(code))&"))
        }
    }

    @Test("Case 19: a code of 64 KiB, with control bytes or of broken UTF-8 is refused, not cut")
    func refusedCodes() throws {
        let request = try Samples.request()
        let codes = [
            String(repeating: "x", count: 65_536), "a%00b", "a%0D%0Ab", "%C3%A9", "%FF%FE", "a%",
            String(repeating: "x", count: 4097),
        ]
        for code in codes {
            #expect(
                error("code=\(code)&state=\(request.state)", request)?.kind
                    == "authorizationResponseInvalid")
        }
        for target in [
            "/callback?code=a b", "/callback?code=a\r\n", "/callback?code=é", "/callback#x",
        ] {
            let whole = target + "&state=\(request.state)"
            #expect(
                AuthorizationCallback.judge(target: whole, answering: request) == .rejected)
            #expect(
                errorOf { try AuthorizationCallback(target: whole, answering: request) }?.kind
                    == "authorizationResponseInvalid")
        }
    }

    @Test(
        "Case 21: each error code is told as what the caller can do about it",
        arguments: [
            ("access_denied", "authorizationDenied"), ("login_required", "authorizationDenied"),
            ("consent_required", "authorizationDenied"),
            ("interaction_required", "authorizationDenied"), ("invalid_scope", "configInvalid"),
            ("unauthorized_client", "configInvalid"), ("invalid_request", "configInvalid"),
            ("unsupported_response_type", "configInvalid"), ("server_error", "transient"),
            ("temporarily_unavailable", "transient"), ("something_else", "authorizationDenied"),
        ])
    func errorCodes(code: String, kind: String) throws {
        let request = try Samples.request()
        #expect(error("error=\(code)&state=\(request.state)", request)?.kind == kind)
    }

    @Test(
        "Case 21: hostile text in code and description is escaped and capped, or not shown at all")
    func hostileText() throws {
        let request = try Samples.request()
        let noise = String(repeating: "%1B%5B2J%0D%E2%80%AE", count: 2000)
        let denied = error(
            "error=access_denied&error_description=\(noise)%FF%zz&state=\(request.state)", request)
        #expect(denied == .authorizationDenied(code: "access_denied"))
        guard
            case .authorizationDenied(let code) = error(
                "error=\(noise)&state=\(request.state)", request)
        else {
            Issue.record("not authorizationDenied")
            return
        }
        #expect(code.utf8.count <= 64)
        #expect(code.utf8.allSatisfy { (0x20...0x7E).contains($0) })
    }

    @Test(
        "Case 23: a provider that cannot do S256 is told as configuration, nothing weaker is tried")
    func transformNotSupported() throws {
        let request = try Samples.request()
        let description = "transform+algorithm+not+supported"
        #expect(
            error(
                "error=invalid_request&error_description=\(description)&state=\(request.state)",
                request)?.kind == "configInvalid")
    }

    @Test("Case 5: an error without the right state is nobody's, and the sign-in goes on")
    func forgedError() throws {
        let request = try Samples.request()
        for query in ["error=access_denied", "error=access_denied&state=x"] {
            #expect(
                AuthorizationCallback.judge(target: "/callback?" + query, answering: request)
                    == .rejected)
        }
        #expect(
            AuthorizationCallback.judge(
                target: "/callback?error=access_denied&state=\(request.state)", answering: request)
                == .accepted)
    }

    @Test("A pasted URL counts only where it begins with the redirect URI")
    func pasted() throws {
        let request = try Samples.request()
        let target = AuthorizationCallback.target(
            ofPasted: "  http://localhost:3000/callback?code=a&state=b \n", answering: request)
        #expect(target == "/callback?code=a&state=b")
        for url in [
            "", " ", "http://localhost:3001/callback?code=a", "/callback?code=a",
            "http://localhost:3000/callback", "https://localhost:3000/callback?code=a",
        ] {
            #expect(AuthorizationCallback.target(ofPasted: url, answering: request) == nil)
        }
    }
}
