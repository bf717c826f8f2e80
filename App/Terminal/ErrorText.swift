import AuthModels

/// Errors as they stand on stderr: what happened, why, what to do next.
enum ErrorText {
    static func print(_ error: AuthError) {
        print(error.message, remedy: error.remedy)
    }

    static func print(_ text: String, remedy: String?) {
        var lines = "ksconnect: \(Printable.text(text))\n"
        if let remedy { lines += "  \(Printable.text(remedy))\n" }
        StandardError.write(lines)
    }
}

/// Text that may come from the other side, made fit for a terminal.
enum Printable {
    /// Letters of any language stay; control, format and bidirectional characters, line breaks and
    /// unassigned ones become `\u{…}`.
    static func text(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if isShown(scalar) {
                result.unicodeScalars.append(scalar)
            } else {
                result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            }
        }
        return result
    }

    private static func isShown(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator,
            .paragraphSeparator:
            false
        default: true
        }
    }
}
