import AuthModels
import Testing

@Suite("Secrets")
struct SecretTests {
    static let canary = "canary-5f2b7c"

    /// Every way in which a value is printed.
    func prints(_ value: Any) -> String {
        var dumped = ""
        dump(value, to: &dumped)
        return "\(value) \(String(describing: value)) \(String(reflecting: value)) \(dumped)"
            + Mirror(reflecting: value).children.map { "\($0.value)" }.joined()
    }

    @Test("Case 107: no secret shows under print, dump or a mirror, alone or inside a value")
    func redacted() throws {
        let access = try #require(AccessToken(Self.canary))
        let refresh = try #require(RefreshToken(Self.canary))
        let id = try #require(IDToken(Self.canary))
        let values: [Any] = [
            access, refresh, id, try #require(AuthorizationCode(Self.canary)),
            try #require(ClientSecret(Self.canary)),
            TokenSet(access: access, refresh: refresh, id: id),
            [refresh], ["token": access], Optional(refresh) as Any, SecretBytes(Self.canary.utf8),
        ]
        for value in values { #expect(!prints(value).contains(Self.canary)) }
        #expect("\(access)" == "<redacted>")
        #expect(access.reveal() == Self.canary)
    }

    @Test("Two secrets are the same only byte by byte")
    func equality() throws {
        #expect(RefreshToken("abc") == RefreshToken("abc"))
        #expect(RefreshToken("abc") != RefreshToken("abd"))
        #expect(RefreshToken("abc") != RefreshToken("abcd"))
        #expect(ClientSecret("\u{E9}") != ClientSecret("e\u{301}"))
        let tokens: Set = [try #require(RefreshToken("a")), try #require(RefreshToken("a"))]
        #expect(tokens.count == 1)
    }

    @Test("Case 37: text that no header could carry is no token")
    func refused() {
        for text in ["", "a\r\nb", "a\nb", "a\u{0}b", "\u{E9}", "a\u{7F}", "a\tb"] {
            #expect(AccessToken(text) == nil)
            #expect(RefreshToken(text) == nil)
            #expect(IDToken(text) == nil)
            #expect(AuthorizationCode(text) == nil)
        }
        #expect(AccessToken("a b") == nil)
        #expect(RefreshToken("a b")?.reveal() == "a b")
        let long = String(repeating: "x", count: 65_537)
        #expect(AccessToken(long) == nil && RefreshToken(long) == nil && IDToken(long) == nil)
        #expect(AccessToken(String(long.dropLast())) != nil)
        #expect(AuthorizationCode(String(repeating: "x", count: 4097)) == nil)
        #expect(ClientSecret("") == nil)
        #expect(ClientSecret(String(repeating: "x", count: 1025)) == nil)
    }

    @Test("Lent bytes are the bytes that were kept, none included")
    func lent() {
        #expect(SecretBytes([1, 2, 3]).withBytes { Array($0) } == [1, 2, 3])
        #expect(SecretBytes([]).withBytes { Array($0) } == [])
        #expect(SecretBytes([]).count == 0)
    }
}
