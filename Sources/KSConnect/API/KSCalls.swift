internal import AuthModels
internal import AuthenticatedHTTP
internal import FoundationEssentials
internal import HTTPTypes

/// What every call of the API has in common: where it goes, what a success is, how it is read.
struct KSCalls: Sendable {
    let http: APIClient

    private static let successes = [200, 201, 202, 204]

    func url(_ path: String) -> Result<WebURL, KSConnectError> {
        do {
            return .success(try http.apiBase.appending(path: path))
        } catch {
            return .failure(.auth(.configInvalid("the API's URL cannot be extended: \(error)")))
        }
    }

    func get<Value: Decodable>(_ path: String) async throws(KSConnectError) -> Value {
        try Self.decode(try await succeed(.get, try url(path).get()))
    }

    func page<Element: Decodable>(_ url: WebURL) async throws(KSConnectError) -> Page<Element> {
        let answer = try await succeed(.get, url)
        return answer.body.isEmpty ? Page() : try Self.decode(answer)
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

    private static func decode<Value: Decodable>(
        _ answer: HTTPAnswer
    ) throws(KSConnectError) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(answer.body))
        } catch let error as DecodingError {
            throw .unreadable(error.place)
        } catch {
            throw .unreadable("the body is not JSON")
        }
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
