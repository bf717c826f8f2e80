/// `application/x-www-form-urlencoded`, as RFC 6749 appendix B uses it.
///
/// Of one's own, because `URLComponents` keeps duplicate names, never decodes `+` and leaves it
/// unescaped. Unreserved characters (RFC 3986 §2.3) stay, a space is `+`, every other byte `%XX`.
public enum FormCoder {
    /// Joins pairs in the order given.
    public static func encode(_ pairs: [(name: String, value: String)]) -> String {
        pairs.map { encode($0.name) + "=" + encode($0.value) }.joined(separator: "&")
    }

    /// Encodes one name or value.
    public static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count + 16)
        for byte in text.utf8 {
            switch byte {
            case 0x20: result.append(UInt8(ascii: "+"))
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                result.append(byte)
            default:
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Decodes one name or value.
    ///
    /// - Returns: nil for a broken escape or bytes that are not UTF-8; nothing is repaired.
    public static func decode(_ text: String) -> String? { decode(text.utf8) }

    private static func decode(_ text: some Collection<UInt8>) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var source = text.makeIterator()
        while let byte = source.next() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = source.next().flatMap(hexadecimalValue),
                    let low = source.next().flatMap(hexadecimalValue)
                else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// All values of one parameter, each nil where it does not decode; a parameter whose name does
    /// not decode is nobody's.
    static func values(of name: String, in query: some StringProtocol) -> [String?] {
        var values: [String?] = []
        for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
            let mark = pair.firstIndex(of: UInt8(ascii: "="))
            guard let key = decode(pair[..<(mark ?? pair.endIndex)]),
                key.utf8.elementsEqual(name.utf8)
            else { continue }
            values.append(mark.map { decode(pair[pair.index(after: $0)...]) } ?? "")
        }
        return values
    }
}
