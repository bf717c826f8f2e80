/// Colour on a terminal that wants it, plain text everywhere else.
struct Style {
    private let isColoured: Bool

    init(isTerminal: Bool, _ environment: Environment) {
        // https://no-color.org: set and not empty.
        isColoured =
            isTerminal && environment["NO_COLOR"] == nil && environment["TERM"] != "dumb"
    }

    func bold(_ text: String) -> String { wrap("1", text) }
    func dim(_ text: String) -> String { wrap("2", text) }
    func good(_ text: String) -> String { wrap("32", text) }
    func bad(_ text: String) -> String { wrap("31", text) }

    private func wrap(_ code: String, _ text: String) -> String {
        isColoured ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
