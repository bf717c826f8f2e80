import AuthenticatedHTTP
import Testing

@Suite("WWW-Authenticate (RFC 9110 §11.6.1)")
struct AuthenticationChallengeTests {
    private func bearerError(_ lines: String...) -> String? {
        AuthenticationChallenge.parse(lines).first { $0.scheme == "bearer" }?.parameters["error"]
    }

    @Test(
        "Case 81: the right error is found among schemes, lines, quotes and spaces",
        arguments: [
            #"Bearer error="invalid_token""#,
            #"bearer ERROR=invalid_token"#,
            #"Basic realm="a", Bearer error="invalid_token""#,
            #"Basic realm="a, Bearer error=\"wrong\"", Bearer realm="b", error="invalid_token""#,
            #"Newauth realm="apps", type=1, title="To \"apps\"", Bearer error="invalid_token""#,
            #"Negotiate, Bearer error="invalid_token""#,
            #"Negotiate YWJj==, Bearer error="invalid_token""#,
            #", , Bearer realm="x" , , error = "invalid_token" ,"#,
            #"Bearer  error="invalid\_token""#,
            "Bearer realm=\"x\",\terror=\"invalid_token\"",
            #"Bearer error="invalid_token", error="second""#,
            #"Bearer realm=, error="invalid_token""#,
            #"@@ junk "quoted, comma", Bearer error="invalid_token""#,
        ])
    func findsError(_ line: String) {
        #expect(bearerError(line) == "invalid_token")
    }

    @Test("Case 81: several lines are read in order")
    func lines() {
        #expect(
            bearerError(#"Basic realm="x""#, #"Bearer error="invalid_token""#) == "invalid_token")
    }

    @Test("Case 81: a parameter belongs to the scheme before it, not to another")
    func belongsToScheme() {
        let challenges = AuthenticationChallenge.parse([
            #"Basic realm="x", error="of basic", Bearer realm="y""#
        ])
        #expect(challenges.map(\.scheme) == ["basic", "bearer"])
        #expect(challenges.map { $0.parameters["error"] } == ["of basic", nil])
        #expect(challenges.map { $0.parameters["realm"] } == ["x", "y"])
    }

    @Test("Case 81: token68 is kept as it is and is no parameter")
    func token68() {
        let challenges = AuthenticationChallenge.parse(["Negotiate a87421000492aa874209af8bc028=="])
        #expect(challenges.map(\.token68) == ["a87421000492aa874209af8bc028=="])
        #expect(challenges.map(\.parameters) == [[:]])
    }

    @Test(
        "Case 81: what is broken gives no error parameter and no trap",
        arguments: [
            "", " ", ",", "=", "\"", "Bearer", "Bearer ", "Bearer error", "Bearer error=",
            "Bearer error=\"", "Bearer error=\"x", "Bearer error=\"x\\", "error=\"invalid_token\"",
            "Bearer\u{0}error=\"x\"", "Bearer =\"x\"",
        ])
    func broken(_ line: String) {
        #expect(bearerError(line) == nil)
    }

    @Test("Case 81: 64 KiB are read in one pass, more are not read at all")
    func large() {
        let tail = #", Bearer error="invalid_token""#
        let filler = AuthenticationChallenge.bytesMax - tail.utf8.count
        for pattern in [",", "\"", "a=", "a ", "\\", "a,", "a=\"\","] {
            let count = filler / pattern.utf8.count
            let text = String(repeating: pattern, count: count & ~1)
            let challenges = AuthenticationChallenge.parse([text + tail])
            #expect(challenges.last?.parameters["error"] == "invalid_token", "after \(pattern)")
        }
        let tooLong = String(repeating: ",", count: filler + 1) + tail
        #expect(AuthenticationChallenge.parse([tooLong]).isEmpty)
        #expect(
            AuthenticationChallenge.parse([tail, String(repeating: ",", count: 65_530)]).isEmpty)
    }
}
