internal import AuthModels
internal import AuthenticatedHTTP
internal import FoundationEssentials
internal import HTTPTypes

/// What every call of the API has in common: where it goes, what a success is, how it is read.
struct KSCalls: Sendable {
    let http: APIClient
    /// The site that the answers are about.
    var site: SiteID?

    private static let successes = [200, 201, 202, 204]

    func url(_ path: String) -> Result<WebURL, KSConnectError> {
        do {
            return .success(try http.apiBase.appending(path: path))
        } catch {
            return .failure(.auth(.configInvalid("the API's URL cannot be extended: \(error)")))
        }
    }

    func get<Value: Decodable>(_ path: String) async throws(KSConnectError) -> Value {
        try decode(try await succeed(.get, try url(path).get()))
    }

    func page<Element: Decodable>(_ url: WebURL) async throws(KSConnectError) -> Page<Element> {
        let answer = try await succeed(.get, url)
        return answer.body.isEmpty ? Page() : try decode(answer)
    }

    /// Sends, and judges the status alone.
    ///
    /// - Throws: `.service` for any answer that is no success.
    func succeed(
        _ method: HTTPRequest.Method, _ url: WebURL, body: APIBody = .none
    ) async throws(KSConnectError) -> HTTPAnswer {
        var headers: HTTPFields = [.accept: "application/json"]
        if case .bytes = body { headers[.contentType] = "application/json" }
        let answer: HTTPAnswer
        do {
            answer = try await http.send(APIRequest(method, url, headers: headers, body: body))
        } catch {
            throw .auth(error)
        }
        guard Self.successes.contains(answer.response.status.code) else {
            throw .service(ServiceFault(answer))
        }
        return answer
    }

    private func decode<Value: Decodable>(
        _ answer: HTTPAnswer
    ) throws(KSConnectError) -> Value {
        let decoder = JSONDecoder()
        if let key = Self.key { decoder.userInfo[key] = self }
        do {
            return try decoder.decode(Value.self, from: Data(answer.body))
        } catch let error as DecodingError {
            throw .unreadable(error.place)
        } catch {
            throw .unreadable("the body is not JSON")
        }
    }
}

// A site and a lock remember what they were read from, so that more can be asked of them.
extension KSCalls {
    private static let key = CodingUserInfoKey(rawValue: "ksconnect.calls")

    /// - Returns: nil where the object is not an answer of the API but was kept somewhere.
    init?(reading decoder: any Decoder) {
        guard let calls = Self.key.flatMap({ decoder.userInfo[$0] }) as? KSCalls else { return nil }
        self = calls
    }

    func about(_ site: SiteID) -> KSCalls {
        var calls = self
        calls.site = site
        return calls
    }
}

extension DecodingError {
    /// Where the answer is not as expected, without a word of its content.
    fileprivate var place: String {
        switch self {
        case .typeMismatch(_, let context): "another type at \(Self.path(context))"
        case .valueNotFound(_, let context): "null at \(Self.path(context))"
        case .keyNotFound(let key, let context):
            "\(key.stringValue) is missing at \(Self.path(context))"
        case .dataCorrupted(let context): "no usable value at \(Self.path(context))"
        @unknown default: "another shape"
        }
    }

    private static func path(_ context: Context) -> String {
        "/"
            + context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
            .joined(separator: "/")
    }
}
