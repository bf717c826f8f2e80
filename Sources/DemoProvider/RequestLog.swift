import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One line for each request, in the order of the answers, with every secret cut.
actor RequestLog {
    private let descriptor: Int32

    /// Opens the file, made readable for its owner alone.
    init(path: String) throws {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw DemoServer.StartError.requestLog(path: path) }
    }

    deinit {
        close(descriptor)
    }

    /// Writes `METHOD TARGET -> STATUS`, with the form's parameters where a form was sent.
    func note(_ request: WebRequest, _ answer: WebAnswer) {
        var line = "\(request.method) \(Self.clean(request.path))"
        if !request.query.isEmpty { line += "?" + Self.cut(request.query) }
        if request.formFields != nil {
            line += " body: " + Self.cut(String(decoding: request.body, as: UTF8.self))
        }
        if let scheme = request.header("authorization")?.split(separator: " ").first {
            line += " authorization: \(Self.clean(String(scheme))) …"
        }
        switch answer.delivery {
        case .whole: line += " -> \(answer.status)\n"
        case .half: line += " -> \(answer.status), cut in half\n"
        case .dropped: line += " -> dropped\n"
        }
        let bytes = Array(line.utf8)
        // A log that cannot be written must not stop the demo.
        _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }

    private static let secretNames = [
        "code", "code_verifier", "refresh_token", "access_token", "token", "client_secret",
        "id_token_hint", "password", "ticket", "csrf", "otp",
    ]

    /// A query or form body, its secrets replaced by an ellipsis.
    static func cut(_ encoded: String) -> String {
        encoded.split(separator: "&").map { part in
            let name = part.prefix { $0 != "=" }
            let plain = FormFields.decode(Array(name.utf8)) ?? ""
            let isSecret = secretNames.contains { sameBytes($0, plain.lowercased()) }
            return clean(isSecret ? "\(name)=…" : String(part))
        }.joined(separator: "&")
    }

    /// Text without control characters, so that a line stays a line.
    private static func clean(_ text: String) -> String {
        let scalars = text.unicodeScalars.map { scalar in
            scalar.value < 0x20 || scalar.value == 0x7F ? " " : Character(scalar)
        }
        return String(scalars)
    }
}
