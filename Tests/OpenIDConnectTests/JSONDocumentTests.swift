import OpenIDConnect
import Testing

@Suite("JSON is read strictly")
struct JSONDocumentTests {
    func parse(_ text: String) throws(JSONFault) -> JSONValue {
        try JSONDocument.parse(Array(text.utf8))
    }

    @Test("Every kind of value is read as written")
    func values() throws {
        let value = try parse(
            #" {"a":[1,-0.5e+3,true,false,null],"b":"x\n\u00e9\ud83d\ude00\/","c":{}} "#)
        #expect(value["a"]?.array?.count == 5)
        #expect(value["a"]?.array?[0].number?.integer == 1)
        #expect(value["a"]?.array?[1].number?.double == -500)
        #expect(value["a"]?.array?[2].bool == true)
        #expect(value["a"]?.array?[4].isNull == true)
        #expect(value["b"]?.string == "x\né😀/")
        #expect(value["c"]?.object?.members.isEmpty == true)
        #expect(value["d"] == nil)
    }

    @Test(
        "What is not JSON is refused",
        arguments: [
            "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "'a'", "01", "1.", ".5", "+1", "-", "1e",
            "nul", "truefalse", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\t\"", "[1 2]", "NaN",
            "{\"a\"}",
            "\u{0}", "[", "\"\\",
        ])
    func malformed(text: String) {
        #expect(throws: JSONFault.self) { try parse(text) }
    }

    @Test("A member named twice is refused, also where one name is escaped")
    func duplicates() {
        #expect(throws: JSONFault.duplicateMember) { try parse(#"{"a":1,"a":1}"#) }
        #expect(throws: JSONFault.duplicateMember) { try parse(#"{"a":1,"\u0061":2}"#) }
        #expect(throws: JSONFault.duplicateMember) { try parse(#"[{"b":{"c":1,"c":2}}]"#) }
    }

    @Test("Names are told apart by their bytes, not by canonical equivalence")
    func exactNames() throws {
        let value = try parse("{\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(value["\u{E9}"]?.number?.integer == 1)
        #expect(value["e\u{301}"]?.number?.integer == 2)
        #expect(try parse("\"\u{E9}\"") != parse("\"e\u{301}\""))
    }

    @Test("Bytes behind the value are refused")
    func trailing() {
        #expect(throws: JSONFault.trailingBytes) { try parse("{}x") }
        #expect(throws: JSONFault.trailingBytes) { try parse("{}{}") }
        #expect(throws: JSONFault.trailingBytes) { try parse("1\u{0}") }
    }

    @Test("Byte order marks, UTF-16 and broken UTF-8 are refused")
    func encodings() {
        #expect(throws: JSONFault.byteOrderMark) {
            try JSONDocument.parse([0xEF, 0xBB, 0xBF, 0x7B, 0x7D])
        }
        #expect(throws: JSONFault.byteOrderMark) {
            try JSONDocument.parse([0xFF, 0xFE, 0x7B, 0, 0x7D, 0])
        }
        #expect(throws: JSONFault.self) { try JSONDocument.parse([0x7B, 0, 0x7D, 0]) }
        for bad: [UInt8] in [[0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xFF], [0xE2, 0x82]] {
            #expect(throws: JSONFault.notUTF8) { try JSONDocument.parse([0x22] + bad + [0x22]) }
            #expect(throws: JSONFault.notUTF8) {
                try JSONDocument.parse([0x22, 0x5C, 0x6E] + bad + [0x22])
            }
        }
    }

    @Test(
        "Half a surrogate pair is refused",
        arguments: [#""\ud800""#, #""\udc00""#, #""\ud800x""#, #""\ud800\u0041""#, #""\ud800\n""#])
    func surrogates(text: String) {
        #expect(throws: JSONFault.loneSurrogate) { try parse(text) }
    }

    @Test("Case 118: nesting ends at 32 and a document at its byte cap, whatever they hold")
    func caps() throws {
        _ = try parse(String(repeating: "[", count: 32) + String(repeating: "]", count: 32))
        #expect(throws: JSONFault.tooDeep) {
            try parse(String(repeating: "[", count: 33) + String(repeating: "]", count: 33))
        }
        #expect(throws: JSONFault.tooDeep) { try parse(String(repeating: "[", count: 100_000)) }
        #expect(throws: JSONFault.tooDeep) {
            try parse(String(repeating: "{\"a\":", count: 100_000))
        }
        #expect(throws: JSONFault.tooLarge) {
            try JSONDocument.parse(Array("[1,2]".utf8), bytesMax: 4)
        }
    }

    @Test("A number is kept as written; its range is checked where it is used")
    func numbers() throws {
        let big = try parse("[9223372036854775807,9223372036854775808,1e400,1e3,-1,1.0]")
        let numbers = try #require(big.array).compactMap(\.number)
        #expect(
            numbers.map(\.integer) == [9_223_372_036_854_775_807, nil, nil, nil, -1, nil])
        #expect(numbers[2].double == nil)
        #expect(numbers[3].double == 1000)
    }
}
