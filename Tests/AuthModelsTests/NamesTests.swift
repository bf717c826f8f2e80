import AuthModels
import Testing

@Suite("Identifiers")
struct NamesTests {
    @Test("Case 17: composed and decomposed letters are two identifiers, in a set too")
    func exact() throws {
        let composed = try #require(AccountName("caf\u{E9}"))
        let decomposed = try #require(AccountName("cafe\u{301}"))
        #expect("caf\u{E9}" == "cafe\u{301}")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(!"caf\u{E9}".isExactly("cafe\u{301}"))
        #expect("a".isExactly("a"))
    }

    @Test(
        "An account's name is any printable text of at most 255 bytes",
        arguments: [
            "default", "Jané Döe", "家", "a/b\\c '\"%", "🚪", String(repeating: "n", count: 255),
        ])
    func goodAccountNames(name: String) {
        #expect(AccountName(name)?.rawValue == name)
    }

    @Test(
        "Control, format and line characters make no account's name",
        arguments: [
            "", "a\nb", "a\u{0}", "\u{1B}[2J", "a\u{202E}b", "a\u{200B}", "\u{FEFF}", "a\u{2028}",
            "\u{E000}", String(repeating: "n", count: 256),
        ])
    func badAccountNames(name: String) {
        #expect(AccountName(name) == nil)
    }

    @Test("Case 56: a subject is 1 to 255 characters of ASCII")
    func subject() {
        #expect(Subject("248289761001") != nil)
        #expect(Subject(String(repeating: "s", count: 255)) != nil)
        for text in ["", "\u{E9}", "a\nb", "a\u{7F}", String(repeating: "s", count: 256)] {
            #expect(Subject(text) == nil)
        }
    }

    @Test("A client's identifier is visible ASCII, spaces allowed")
    func clientID() {
        #expect(ClientID("a b:c%") != nil)
        for text in ["", "\u{E9}", "a\n", String(repeating: "c", count: 513)] {
            #expect(ClientID(text) == nil)
        }
    }

    @Test("A session's name is made of 128 random bits or read back")
    func sessionID() {
        let id = SessionID(random: [0x00, 0x1F, 0xAB, 0xFF])
        #expect(id.rawValue == "001fabff")
        #expect(SessionID(id.rawValue) == id)
        #expect(SessionID("") == nil && SessionID("a_b") == nil)
    }

    @Test("A scope keeps its order, without repeats and without foreign bytes")
    func scope() throws {
        let scope = try #require(Scope("openid  user_api.full_access openid offline_access "))
        #expect(scope.values == ["openid", "user_api.full_access", "offline_access"])
        #expect(scope.description == "openid user_api.full_access offline_access")
        #expect(scope.contains(Scope.openID) && !scope.contains("OpenID"))
        #expect(Scope("openid")?.isSubset(of: scope) == true)
        #expect(Scope("admin")?.isSubset(of: scope) == false)
        #expect(Scope("")?.isEmpty == true)
        for text in ["a\"b", "a\\b", "a\nb", "\u{E9}", "a\tb"] { #expect(Scope(text) == nil) }
        let many = (0...Scope.valuesMax).map { "s\($0)" }.joined(separator: " ")
        #expect(Scope(many) == nil)
    }

    @Test("A generation only grows")
    func generation() {
        #expect(Generation.zero < Generation.zero.next)
        #expect(Generation(41).next == Generation(42))
    }
}
