import DemoProvider

/// The form of a page: where it goes and what it carries unseen.
struct PageForm {
    let action: String
    private var hidden: [(name: String, value: String)] = []
    private var asksForPassword = false

    /// - Returns: nil for a page without a form.
    init?(page: String) {
        let tags = page.split(separator: "<").map { $0.prefix { $0 != ">" } }
        guard let form = tags.first(where: { $0.hasPrefix("form ") }),
            let action = Self.attribute("action", of: form)
        else { return nil }
        self.action = action
        for tag in tags where tag.hasPrefix("input ") {
            switch Self.attribute("type", of: tag) {
            case "hidden":
                guard let name = Self.attribute("name", of: tag) else { continue }
                hidden.append((name, Self.attribute("value", of: tag) ?? ""))
            case "password": asksForPassword = true
            default: continue
            }
        }
    }

    /// The form as a person sends it who signs in and allows what is asked.
    func filled(by person: DemoServer.Person) -> String {
        var fields = hidden
        if asksForPassword {
            fields += [
                ("username", person.username), ("password", person.password), ("decision", "login"),
            ]
        } else {
            fields.append(("decision", "allow"))
        }
        return fields.map { "\(Self.encoded($0.name))=\(Self.encoded($0.value))" }
            .joined(separator: "&")
    }

    /// An attribute's value; nil without it.
    private static func attribute(_ name: String, of tag: Substring) -> String? {
        let marked = tag.replacing("\n", with: " ").split(separator: " \(name)=\"", maxSplits: 1)
        guard marked.count == 2 else { return nil }
        return unescaped(String(marked[1].prefix { $0 != "\"" }))
    }

    private static func unescaped(_ text: String) -> String {
        // The ampersand last, or an escaped escape would be read twice.
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
            .reduce(text) { $0.replacing($1.0, with: $1.1) }
    }

    /// `application/x-www-form-urlencoded`; escapes all but letters and digits.
    private static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: return String(UnicodeScalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                return "%" + (digits.utf8.count < 2 ? "0" : "") + digits
            }
        }.joined()
    }
}
