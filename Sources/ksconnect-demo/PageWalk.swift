import AsyncHTTPClient
import DemoProvider
import NIOCore
import NIOHTTP1

/// A browser without a window: follows redirects, keeps cookies, fills in the provider's forms, and
/// ends where the provider sends it.
struct PageWalk {
    let person: DemoServer.Person

    struct Failure: Error {
        let reason: String
    }

    private static let hopsMax = 20
    private static let pageBytesMax = 1 << 20
    private static let requestTime = TimeAmount.seconds(20)

    /// What to ask for next.
    private struct Visit {
        var method = HTTPMethod.GET
        var url: String
        var form: String?
    }

    func go(from start: String) async throws(Failure) {
        var settings = HTTPClient.Configuration()
        settings.redirectConfiguration = .disallow
        let http = HTTPClient(configuration: settings)
        let outcome: Result<Void, Failure>
        do throws(Failure) {
            outcome = .success(try await walk(from: start, with: http))
        } catch {
            outcome = .failure(error)
        }
        try? await http.shutdown()
        try outcome.get()
    }

    private func walk(from start: String, with http: HTTPClient) async throws(Failure) {
        let provider = Self.origin(of: start)
        var cookies: [String: String] = [:]
        var visit = Visit(url: start)
        for _ in 0..<Self.hopsMax {
            let isBack = Self.origin(of: visit.url) != provider
            let (head, page) = try await fetch(visit, cookies: isBack ? [:] : cookies, with: http)
            guard !isBack else {
                guard head.status == .ok else {
                    throw Failure(reason: "The redirect URI answered \(head.status.code).")
                }
                return
            }
            for cookie in head.headers["set-cookie"] {
                let pair = cookie.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
                if pair.count == 2 { cookies[String(pair[0])] = String(pair[1]) }
            }
            if let location = head.headers.first(name: "location") {
                visit = Visit(url: Self.absolute(location, at: provider))
            } else if let form = PageForm(page: page) {
                visit = Visit(
                    method: .POST, url: Self.absolute(form.action, at: provider),
                    form: form.filled(by: person))
            } else {
                throw Failure(
                    reason: "A page of the provider answered \(head.status.code) without a form.")
            }
        }
        throw Failure(reason: "The provider's pages led round in circles.")
    }

    private func fetch(
        _ visit: Visit, cookies: [String: String], with http: HTTPClient
    ) async throws(Failure) -> (head: HTTPClientResponse, page: String) {
        var request = HTTPClientRequest(url: visit.url)
        request.method = visit.method
        if !cookies.isEmpty {
            let line = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
            request.headers.add(name: "Cookie", value: line)
        }
        if let form = visit.form {
            request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
            request.body = .bytes(ByteBuffer(string: form))
        }
        do {
            let response = try await http.execute(request, timeout: Self.requestTime)
            let body = try await response.body.collect(upTo: Self.pageBytesMax)
            return (response, String(buffer: body))
        } catch {
            throw Failure(reason: "\(Self.origin(of: visit.url)) gave no answer: \(error)")
        }
    }

    /// `http://host:port` of an address.
    private static func origin(of url: String) -> String {
        url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).prefix(3)
            .joined(separator: "/")
    }

    private static func absolute(_ location: String, at origin: String) -> String {
        location.hasPrefix("/") ? origin + location : location
    }
}
