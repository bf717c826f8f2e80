/// Makes text from the other side fit for errors, logs and terminals.
///
/// A description may hold escape sequences, line breaks, bidirectional marks or 64 KiB of anything
/// (RFC 6749 §5.2 only asks servers to be good), so nothing remote is shown but through here.
public enum SafeText {
    /// The longest result, in bytes, cut mark included.
    public static let bytesMax = 200

    /// Visible ASCII and spaces stay; a backslash is doubled; everything else becomes `\u{…}`.
    public static func escaped(_ text: String, bytesMax: Int = Self.bytesMax) -> String {
        var result: [UInt8] = []
        for scalar in text.unicodeScalars {
            let piece: [UInt8]
            switch scalar.value {
            case 0x5C: piece = [0x5C, 0x5C]
            case 0x20...0x7E: piece = [UInt8(scalar.value)]
            default:
                piece = Array("\\u{\(String(scalar.value, radix: 16, uppercase: true))}".utf8)
            }
            guard result.count + piece.count <= bytesMax - 3 else {
                result += Array("...".utf8)
                break
            }
            result += piece
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// The same for a short name such as an error code.
    static func code(_ text: String) -> String { escaped(text, bytesMax: 64) }
}
