/// A fault that awaits the next token requests.
struct TokenFault: Sendable, Decodable {
    enum Kind: String, Sendable, Decodable, CaseIterable {
        /// Closes the connection; the request takes no effect.
        case dropBefore
        /// The request takes effect, then the connection is closed without an answer.
        case dropAfterCommit
        /// The request takes effect; half of its answer is sent.
        case halfBody
        /// Answers `status`, no effect, with `Retry-After` where one is given.
        case status
        /// The request takes effect, then `status` is answered.
        case statusAfterCommit
        /// An HTML page at 200, as a captive portal sends it; no effect.
        case html
        /// 400 without a body; no effect.
        case empty400
    }

    let kind: Kind
    /// How many requests it strikes; 1 unless told.
    var count: Int?
    /// The status of the two status kinds; 503 unless told.
    var status: Int?
    /// The value of `Retry-After`, as it will be sent.
    var retryAfter: String?
    /// Strikes only requests with this grant type.
    var grantType: String?
    /// The value of the answer's `error` member; without one the body is empty.
    var error: String?

    /// Whether the request takes effect all the same.
    var commits: Bool {
        switch kind {
        case .dropAfterCommit, .halfBody, .statusAfterCommit: true
        case .dropBefore, .status, .html, .empty400: false
        }
    }

    /// What is answered in place of the true answer.
    func answer(insteadOf answer: WebAnswer) -> WebAnswer {
        switch kind {
        case .dropBefore, .dropAfterCommit: return .dropped
        case .halfBody:
            var half = answer
            half.delivery = .half
            return half
        case .html:
            return WebAnswer(
                status: 200, headers: [("Content-Type", "text/html; charset=utf-8")],
                body: Array("<!doctype html><title>Network sign-in</title>".utf8))
        case .empty400: return WebAnswer(status: 400)
        case .status, .statusAfterCommit:
            let code = status ?? 503
            var faulty = WebAnswer(status: code)
            if let error { faulty = .json(["error": .string(error)], status: code) }
            return retryAfter.map { faulty.adding("Retry-After", $0) } ?? faulty
        }
    }
}

/// A fault that awaits the next calls of the API.
struct APIFault: Sendable, Decodable {
    enum Kind: String, Sendable, Decodable, CaseIterable {
        /// Closes the connection; the call takes no effect.
        case drop
        /// Answers `status`; the call takes no effect.
        case status
    }

    let kind: Kind
    /// How many calls it strikes; 1 unless told.
    var count: Int?
    /// 503 unless told.
    var status: Int?
    /// The value of `Retry-After`, as it will be sent.
    var retryAfter: String?
    /// The value of `WWW-Authenticate`; a 401 without one says `invalid_token`.
    var wwwAuthenticate: String?

    var answer: WebAnswer {
        guard kind == .status else { return .dropped }
        let code = status ?? 503
        let error = KSError(status: code, code: code, message: "A fault that was asked for.")
        var answer = error.answer
        if let retryAfter { answer = answer.adding("Retry-After", retryAfter) }
        if let wwwAuthenticate { return answer.adding("WWW-Authenticate", wwwAuthenticate) }
        return code == 401
            ? answer.adding("WWW-Authenticate", #"Bearer error="invalid_token""#) : answer
    }
}

/// Holds the knobs and the faults that wait for their requests.
actor Knobs {
    private(set) var settings: Settings
    private var tokenFaults: [TokenFault] = []
    private var apiFaults: [APIFault] = []

    init(_ settings: Settings) {
        self.settings = settings
    }

    func update(_ change: @Sendable (inout Settings) -> Void) {
        change(&settings)
    }

    func add(tokenFault fault: TokenFault) {
        tokenFaults += Array(repeating: fault, count: min(max(fault.count ?? 1, 0), 10_000))
    }

    func add(apiFault fault: APIFault) {
        apiFaults += Array(repeating: fault, count: min(max(fault.count ?? 1, 0), 10_000))
    }

    func clearFaults() {
        tokenFaults = []
        apiFaults = []
    }

    /// Takes the first fault that strikes this grant type.
    func takeTokenFault(grantType: String?) -> TokenFault? {
        let index = tokenFaults.firstIndex { fault in
            guard let only = fault.grantType else { return true }
            return grantType.map { sameBytes(only, $0) } ?? false
        }
        return index.map { tokenFaults.remove(at: $0) }
    }

    func takeAPIFault() -> APIFault? {
        apiFaults.isEmpty ? nil : apiFaults.removeFirst()
    }

    /// The faults that still wait, as numbers of requests.
    var waiting: (token: Int, api: Int) { (tokenFaults.count, apiFaults.count) }
}
