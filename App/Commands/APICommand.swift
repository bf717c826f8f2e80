import ArgumentParser
import AuthModels
import AuthenticatedHTTP
import HTTPTypes
import KSConnect
import OpenIDConnect

struct APICommand: SessionCommand {
    static let configuration = CommandConfiguration(
        commandName: "api",
        abstract: "Call the API with a live access token.",
        discussion: """
            PATH is appended to the API's URL; an absolute URL must lie within the API's \
            origin. The body goes to stdout as it is; a status that is no success is exit code 1.

            Example: ksconnect api GET /v1.2/sites --paginate
            """)

    @OptionGroup(title: "Settings") var global: GlobalOptions

    @Argument(help: "GET, POST, PATCH, …") var method: String
    @Argument(help: "A path such as /v1.2/me, or a URL of the API.") var path: String

    @Option(help: ArgumentHelp("The body: text, @FILE, or - for stdin.", valueName: "body"))
    var data: String?

    @Option(help: ArgumentHelp("How long the call may take in all.", valueName: "seconds"))
    var timeout = 30

    @Option(
        name: .customLong("header"), parsing: .singleValue,
        help: ArgumentHelp("A header field; may be repeated.", valueName: "name: value"))
    var headers: [String] = []

    @Flag(help: "Print status and header fields before the body.")
    var include = false

    @Flag(help: "Follow next_page_link and print one JSON array of all items.")
    var paginate = false

    /// What the client itself decides.
    private static let reserved = [
        "authorization", "host", "connection", "content-length", "transfer-encoding", "te",
        "upgrade", "proxy-authorization", "expect", "trailer", "dpop",
    ]

    func validate() throws {
        guard HTTPRequest.Method(rawValue: method.uppercased()) != nil else {
            throw ValidationError("\(Printable.text(method)) is no HTTP method.")
        }
        // TRACE sends the token back in the body (RFC 9110 §9.3.8); CONNECT is for proxies.
        guard !["TRACE", "CONNECT"].contains(method.uppercased()) else {
            throw ValidationError("\(method.uppercased()) is not sent with an access token.")
        }
        if paginate, method.uppercased() != "GET" || include || data != nil {
            throw ValidationError("--paginate goes with GET, without --data and --include.")
        }
        guard (1...86_400).contains(timeout) else {
            throw ValidationError("--timeout is a number of seconds from 1 to 86400.")
        }
        _ = try fields()
    }

    func run(in workspace: Workspace) async throws {
        let http = try await workspace.client.http()
        let url = try http.url(path)
        let fields = try fields()
        if paginate {
            return try await ListPages(http: http, headers: fields).print(from: url)
        }
        guard let method = HTTPRequest.Method(rawValue: method.uppercased()) else { return }
        let answer = try await http.send(
            APIRequest(
                method, url, headers: fields, body: try RequestBody.read(data),
                deadline: .seconds(timeout)))
        // A person's prompt begins on a line of its own; a program gets the bytes as they are.
        let isCutShort = StandardOutput.isTerminal && answer.body.last.map { $0 != 0x0A } ?? false
        try StandardOutput.write(
            (include ? Self.head(answer.response) : []) + answer.body + (isCutShort ? [0x0A] : []))
        try APIFailure.check(answer)
    }

    private func fields() throws -> HTTPFields {
        var fields = HTTPFields()
        for header in headers {
            let parts = header.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            let value = parts.count == 2 ? String(parts[1].drop { $0 == " " || $0 == "\t" }) : ""
            guard parts.count == 2, let name = HTTPField.Name(String(parts[0])),
                HTTPField.isValidValue(value)
            else { throw ValidationError("--header takes 'Name: value'.") }
            guard !Self.reserved.contains(name.canonicalName) else {
                throw ValidationError("The header field \(name) is set by ksconnect itself.")
            }
            fields.append(HTTPField(name: name, value: value))
        }
        if fields[.accept] == nil { fields[.accept] = "application/json" }
        if data != nil, fields[.contentType] == nil { fields[.contentType] = "application/json" }
        return fields
    }

    private static func head(_ response: HTTPResponse) -> [UInt8] {
        var text = "HTTP/1.1 \(response.status.code) \(response.status.reasonPhrase)\r\n"
        for field in response.headerFields { text += "\(field.name): \(field.value)\r\n" }
        return Array((text + "\r\n").utf8)
    }
}

/// A status that is no success.
enum APIFailure {
    static func check(_ answer: HTTPAnswer) throws {
        let status = answer.response.status
        guard status.kind != .successful else { return }
        throw CommandFailure(
            status: .apiRefused,
            text: "the API answered HTTP \(status.code) \(status.reasonPhrase)")
    }
}
