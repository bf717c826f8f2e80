/// A request as lines for a person: the request line, its status in a column, what it carries below.
struct RequestLines {
    private static let methodWidth = 6
    private static let targetWidth = 60
    private static let detailWidthMax = 74
    private static let indent = String(repeating: " ", count: 7)

    /// Random values that say nothing to a reader, beyond those that the provider has cut already.
    private static let noise = ["state", "nonce", "code_challenge"]

    private let request: RecordedRequest
    /// The path, and the query where there is room for it.
    private let target: String
    private let isQueryBelow: Bool

    init(_ request: RecordedRequest) {
        self.request = request
        let path = Self.shortened(request.path)
        let whole = path + Self.joined(request.query, lead: "?")
        isQueryBelow = whole.count > Self.targetWidth
        target = isQueryBelow ? path : whole
    }

    /// Method and target, padded so that what follows stands in a column.
    var head: String {
        Self.pad(request.method, Self.methodWidth) + " " + Self.pad(target, Self.targetWidth)
    }

    var status: String { request.status }

    /// The kind of authorization; empty without one.
    var authorization: String { request.authorization.map { "\($0) …" } ?? "" }

    /// The parameters, indented.
    var details: [String] {
        let query = isQueryBelow ? Self.lines(of: request.query, lead: "?") : []
        return (query + Self.lines(of: request.form, lead: "")).map { Self.indent + $0 }
    }

    private static func joined(_ parameters: [String], lead: String) -> String {
        parts(of: parameters, lead: lead).joined()
    }

    /// As many on a line as fit.
    private static func lines(of parameters: [String], lead: String) -> [String] {
        var lines: [String] = []
        for part in parts(of: parameters, lead: lead) {
            if let last = lines.last, last.count + part.count <= detailWidthMax {
                lines[lines.count - 1] += part
            } else {
                lines.append(part)
            }
        }
        return lines
    }

    /// Each with the character before it that joins it to the rest.
    private static func parts(of parameters: [String], lead: String) -> [String] {
        parameters.enumerated().map { index, parameter in
            (index == 0 ? lead : "&") + withoutNoise(parameter)
        }
    }

    private static func withoutNoise(_ parameter: String) -> String {
        let name = parameter.prefix { $0 != "=" }
        return noise.contains(String(name)) ? "\(name)=…" : parameter
    }

    /// A path whose long identifiers are cut to their beginnings.
    private static func shortened(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).map { part in
            isIdentifier(part) ? "\(part.prefix(13))…" : String(part)
        }.joined(separator: "/")
    }

    private static func isIdentifier(_ part: Substring) -> Bool {
        part.count == 36 && part.filter { $0 == "-" }.count == 4
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
