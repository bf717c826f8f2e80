import AuthModels
import Desktop
import HTTPTypes
import OpenIDConnect
import Synchronization
import Testing

/// A browser without a window: keeps cookies, follows redirects, and fills in the demo's pages.
final class WalkingBrowser: BrowserOpening {
    private let transport = AsyncHTTPTransport(trust: .system)
    private let person: (name: String, password: String)
    private let cookies = Mutex<[String: String]>([:])
    private let pages = Mutex<[String]>([])

    init(name: String, password: String) {
        person = (name, password)
    }

    /// The last pages' first lines, for a test that failed.
    var walked: [String] { pages.withLock { $0 } }

    /// As a real one: it goes on by itself once it was started.
    func open(_ url: WebURL) async throws(BrowserUnavailable) {
        Task {
            do { try await walk(from: url) } catch {
                Issue.record("the walk ended with \(error) after \(walked)")
            }
            await transport.shutdown()
        }
    }

    private func walk(from url: WebURL) async throws {
        var (page, place) = try await send(.get, url)
        while true {
            if page.contains("<title>Sign in") {
                let fields = [("username", person.name), ("password", person.password)]
                (page, place) = try await submit(page, at: place, "/account/login", fields)
            } else if page.contains("<title>Allow access?") {
                let fields = [("decision", "allow")]
                (page, place) = try await submit(page, at: place, "/account/consent", fields)
            } else {
                #expect(place.path == "/callback", "\(walked): \(page.prefix(300))")
                return
            }
        }
    }

    private func submit(
        _ page: String, at place: WebURL, _ path: String, _ fields: [(String, String)]
    ) async throws -> (String, WebURL) {
        let hidden = page.split(separator: "<input type=\"hidden\" name=\"").dropFirst()
            .map { field in
                let name = field.prefix { $0 != "\"" }
                let value = field.dropFirst(name.count).drop { $0 != "=" }.dropFirst(2)
                return (String(name), String(value.prefix { $0 != "\"" }))
            }
        let target = try WebURL("\(place.scheme)://\(place.host):\(place.effectivePort)\(path)")
        return try await send(
            .post, target, FormCoder.encode((hidden + fields).map { (name: $0.0, value: $0.1) }))
    }

    /// The page that stands at the end of the redirects, and where it stands.
    private func send(
        _ method: HTTPRequest.Method, _ url: WebURL, _ form: String = ""
    ) async throws -> (String, WebURL) {
        var headers: HTTPFields = [.contentType: "application/x-www-form-urlencoded"]
        let held = cookies.withLock { $0.map { "\($0.key)=\($0.value)" }.joined(separator: "; ") }
        // By append: the subscript would make a field of each, as HTTP/2 wants it.
        if !held.isEmpty { headers.append(HTTPField(name: .cookie, value: held)) }
        let answer = try await transport.send(
            HTTPExchange(method, url, headers: headers, body: Array(form.utf8)))
        for cookie in answer.response.headerFields[values: .setCookie] {
            let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
            cookies.withLock { $0[String(pair[0])] = pair.count > 1 ? String(pair[1]) : nil }
        }
        pages.withLock { $0.append("\(answer.response.status.code) \(url.path)") }
        guard let location = answer.response.headerFields[.location] else {
            return (String(decoding: answer.body, as: UTF8.self), url)
        }
        return try await send(.get, try WebURL(location))
    }
}
