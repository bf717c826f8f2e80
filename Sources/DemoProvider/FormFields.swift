/// The pairs of a query or of an `application/x-www-form-urlencoded` body, in order.
struct FormFields: Sendable {
    private(set) var pairs: [(name: String, value: String)] = []

    /// Decodes pairs; nil where an escape or the UTF-8 behind it is broken.
    init?(encoded: some Collection<UInt8>) {
        for part in encoded.split(separator: UInt8(ascii: "&")) {
            let sides = part.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let first = sides.first, let name = Self.decode(first),
                let value = Self.decode(sides.count > 1 ? Array(sides[1]) : [])
            else { return nil }
            pairs.append((name, value))
        }
    }

    /// The first value of a name; an empty one counts as absent (RFC 6749 §3.1).
    subscript(name: String) -> String? {
        pairs.first { sameBytes($0.name, name) && !$0.value.isEmpty }?.value
    }

    /// Whether a name stands more than once, which RFC 6749 §3.1 forbids.
    var hasDuplicates: Bool {
        Set(pairs.map { ExactKey($0.name) }).count != pairs.count
    }

    /// Decodes one side of a pair: `+` is a space, `%XX` a byte.
    static func decode(_ encoded: some Collection<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var rest = encoded[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexValue),
                    let low = rest.popFirst().flatMap(hexValue)
                else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// Encodes one side of a pair, escaping all but the unreserved characters (RFC 3986 §2.3).
    static func encode(_ plain: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in plain.utf8 {
            if isUnreserved(byte) {
                bytes.append(byte)
            } else {
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
