import Testing

@testable import OpenIDConnect

@Suite("Forms are coded to the byte")
struct FormCoderTests {
    @Test("A space is a plus, unreserved characters stay, the rest is %XX in upper case")
    func encode() {
        #expect(FormCoder.encode("a b+c/d=e&f%g~h-i.j_k*") == "a+b%2Bc%2Fd%3De%26f%25g~h-i.j_k%2A")
        #expect(FormCoder.encode("é\n\u{0}") == "%C3%A9%0A%00")
        #expect(
            FormCoder.encode([(name: "a b", value: "1&2"), (name: "", value: "")])
                == "a+b=1%262&=")
    }

    @Test("Case 34: every byte that UTF-8 can hold survives there and back")
    func roundTrip() {
        let all = String(String.UnicodeScalarView((0...0x2FF).compactMap(Unicode.Scalar.init)))
        #expect(FormCoder.decode(FormCoder.encode(all)).map { Array($0.utf8) } == Array(all.utf8))
    }

    @Test(
        "Broken escapes and bytes that are not UTF-8 are refused, never repaired",
        arguments: ["%", "%4", "%zz", "a%G0", "%C0%AF", "%FF", "%ED%A0%80", "%E2%82"])
    func refused(text: String) {
        #expect(FormCoder.decode(text) == nil)
    }

    @Test("All values of a name are found, escaped names included")
    func values() {
        let query = "state=1&x=2&%73tate=3&state&state=%zz&&=4"
        #expect(FormCoder.values(of: "state", in: query) == ["1", "3", "", nil])
        #expect(FormCoder.values(of: "State", in: query).isEmpty)
    }
}

@Suite("Base64url is canonical")
struct Base64URLTests {
    @Test("RFC 4648's examples, without padding")
    func examples() {
        let pairs = [
            "": "", "f": "Zg", "fo": "Zm8", "foo": "Zm9v", "foob": "Zm9vYg", "fooba": "Zm9vYmE",
            "foobar": "Zm9vYmFy",
        ]
        for (plain, coded) in pairs {
            #expect(Base64URL.encode(plain.utf8) == coded)
            #expect(Base64URL.decode(coded.utf8) == Array(plain.utf8))
        }
        #expect(Base64URL.encode([0xFB, 0xFF, 0xFE] as [UInt8]) == "-__-")
        #expect(Base64.encode([0xFB, 0xFF, 0xFE, 0x00] as [UInt8]) == "+//+AA==")
    }

    @Test(
        "Padding, white space, the other alphabet and unused bits are refused",
        arguments: ["Zg==", "Zg=", "Z", "Zm9v\n", " Zm9v", "+//+", "Zh", "Zm9", "Zm9vY"])
    func refused(text: String) {
        #expect(Base64URL.decode(text.utf8) == nil)
    }
}

@Suite("Remote text is made safe")
struct SafeTextTests {
    @Test("Case 21: control, bidirectional and other foreign characters are spelt out")
    func escapes() {
        #expect(
            SafeText.escaped("a\u{1B}[31m\r\n\u{202E}é\\")
                == #"a\u{1B}[31m\u{D}\u{A}\u{202E}\u{E9}\\"#)
    }

    @Test("Case 21: 64 KiB become 200 bytes, and no escape is cut in two")
    func cap() {
        let plain = SafeText.escaped(String(repeating: "x", count: 65_536))
        #expect(plain.utf8.count == 200)
        #expect(plain.hasSuffix("..."))
        let escaped = SafeText.escaped(String(repeating: "\u{202E}", count: 65_536))
        #expect(escaped.utf8.count <= 200)
        #expect(escaped.hasSuffix("}..."))
    }
}
