import FoundationEssentials
import OpenIDConnect

/// The machine's form of an answer: one JSON document and a line break.
enum JSONOutput {
    static func print(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        try StandardOutput.write(Array(try encoder.encode(value)) + [0x0A])
    }

    static func print(_ value: JSONValue) throws {
        try StandardOutput.write(text(of: value) + "\n")
    }

    /// The value as JSON again, numbers and members as they were received.
    static func text(of value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let number): number.text
        case .string(let text): quoted(text)
        case .array(let values): "[" + values.map(text(of:)).joined(separator: ",") + "]"
        case .object(let object):
            "{"
                + object.members.map { quoted($0.name) + ":" + text(of: $0.value) }
                .joined(separator: ",") + "}"
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension Date {
    /// RFC 3339 in UTC, whole seconds.
    var rfc3339: String { formatted(.iso8601) }
}
