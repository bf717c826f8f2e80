public import AuthModels
public import HTTPTypes

/// One call of the protected API.
public struct APIRequest: Sendable {
    public var method: HTTPRequest.Method
    public var url: WebURL
    /// An Authorization field in it is replaced.
    public var headers: HTTPFields
    public var body: APIBody
    /// Total time of the call, retries and the waits between them included; the time to get a token
    /// is not counted.
    public var deadline: Duration
    /// The answer's size after inflation.
    public var responseBytesMax: Int
    /// Told how far a body is that is sent or handed on in chunks.
    public var progress: (@Sendable (TransferProgress) -> Void)?

    public init(
        _ method: HTTPRequest.Method, _ url: WebURL, headers: HTTPFields = [:],
        body: APIBody = .none, deadline: Duration = .seconds(30),
        responseBytesMax: Int = HTTPExchange.responseBytesMaxDefault,
        progress: (@Sendable (TransferProgress) -> Void)? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.deadline = deadline
        self.responseBytesMax = responseBytesMax
        self.progress = progress
    }

    /// Whether it may be repeated when nobody knows if it was carried out: the method is idempotent
    /// (RFC 9110 §9.2.2) and the body can be had again.
    var isRepeatable: Bool { isIdempotent && body.isRepeatable }

    private var isIdempotent: Bool {
        switch method {
        case .get, .head, .options, .trace, .put, .delete: true
        default: false
        }
    }

    /// What a failure to get its answer means. That an idempotent call may have been carried out
    /// is no reason not to try it again; of any other the caller has to know.
    func fault(_ error: TransportError) -> AuthError {
        guard !isIdempotent else { return AuthError(reading: error) }
        switch error {
        case .answerLost(let why), .malformed(let why): return .outcomeUnknown(why)
        case .timedOut(mayHaveArrived: true): return .outcomeUnknown("no answer in time")
        case .responseTooLarge: return .outcomeUnknown("the answer is too large")
        case .notSent, .tls, .timedOut, .cancelled: return AuthError(reading: error)
        }
    }
}
