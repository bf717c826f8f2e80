import HTTPTypes

/// A request as the endpoints see it, whole.
struct WebRequest: Sendable {
    let method: String
    /// The path without the query, as sent.
    let path: String
    /// The query without its question mark, as sent.
    let query: String
    let headers: HTTPFields
    let body: [UInt8]

    /// The value of a header that stands exactly once.
    func header(_ name: String) -> String? {
        guard let name = HTTPField.Name(name) else { return nil }
        let values = headers[values: name]
        return values.count == 1 ? values[0] : nil
    }

    /// All values of a header, in order.
    func all(_ name: String) -> [String] {
        HTTPField.Name(name).map { headers[values: $0] } ?? []
    }

    /// The parameters of the query; nil where they are broken.
    var queryFields: FormFields? { FormFields(encoded: Array(query.utf8)) }

    /// The parameters of a form body; nil where the body is no form or is broken.
    var formFields: FormFields? {
        guard let type = header("content-type")?.lowercased(),
            type.split(separator: ";").first == "application/x-www-form-urlencoded"
        else { return nil }
        return FormFields(encoded: body)
    }

    /// The value of a cookie.
    func cookie(_ name: String) -> String? {
        guard let line = header("cookie") else { return nil }
        for pair in line.split(separator: ";") {
            let sides = pair.drop { $0 == " " }.split(separator: "=", maxSplits: 1)
            if sides.count == 2, sameBytes(String(sides[0]), name) { return String(sides[1]) }
        }
        return nil
    }
}

/// An answer, and how much of it reaches the other side.
struct WebAnswer: Sendable {
    /// What becomes of the answer on the wire.
    enum Delivery: Sendable {
        case whole
        /// The connection is closed without a byte of answer.
        case dropped
        /// Head and the first half of the body, then the connection is closed.
        case half
    }

    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    var delivery = Delivery.whole

    static let dropped = WebAnswer(status: 503, delivery: .dropped)

    static func json(_ value: JSON, status: Int = 200) -> WebAnswer {
        WebAnswer(
            status: status,
            headers: [
                ("Content-Type", "application/json; charset=utf-8"), ("Cache-Control", "no-store"),
            ], body: value.bytes)
    }

    static func redirect(to location: String) -> WebAnswer {
        WebAnswer(
            status: 303,
            headers: [
                ("Location", location), ("Cache-Control", "no-store"),
                ("Referrer-Policy", "no-referrer"),
            ])
    }

    func adding(_ name: String, _ value: String) -> WebAnswer {
        var answer = self
        answer.headers.append((name, value))
        return answer
    }
}
