import AuthModels
import AuthenticatedHTTP
import HTTPTypes
import KSConnect
import OpenIDConnect

/// A list's pages as one JSON array, each printed before the next is asked for.
///
/// Where a page fails the array stays open, so that what is there cannot be taken for the whole.
struct ListPages {
    let http: APIClient
    let headers: HTTPFields

    private static let pagesMax = 10_000

    func print(from first: WebURL) async throws {
        var visited: Set<WebURL> = []
        var isOpen = false
        var next: WebURL? = first
        while let url = next {
            guard visited.insert(url).inserted else {
                throw AuthError.protocolFailure("the pages of the list lead back to themselves")
            }
            guard visited.count <= Self.pagesMax else {
                throw AuthError.protocolFailure("the list has more than \(Self.pagesMax) pages")
            }
            let page = try await page(url, isFirst: visited.count == 1)
            // Judged before the page is printed: a list that leads astray is cut before it.
            next = try page.link.map(nextPage)
            guard !page.items.isEmpty else { continue }
            let items = page.items.map(JSONOutput.text(of:)).joined(separator: ",\n")
            try StandardOutput.write((isOpen ? ",\n" : "[") + items)
            isOpen = true
        }
        try StandardOutput.write(isOpen ? "]\n" : "[]\n")
    }

    private func page(
        _ url: WebURL, isFirst: Bool
    ) async throws -> (items: [JSONValue], link: String?) {
        let answer = try await http.send(APIRequest(.get, url, headers: headers))
        do { try APIFailure.check(answer) } catch {
            // Nothing stands on stdout yet, so it is as without --paginate.
            if isFirst { try StandardOutput.write(answer.body) }
            throw error
        }
        guard let body = try? JSONDocument.parse(answer.body) else {
            throw AuthError.protocolFailure("the list is no JSON")
        }
        // Both shapes have been seen.
        if let items = body.array { return (items, nil) }
        guard let items = body["items"]?.array else {
            throw AuthError.protocolFailure("the answer is no list: it has no items")
        }
        let link = body["next_page_link"]?.string ?? ""
        return (items, link.isEmpty ? nil : link)
    }

    /// A link that leads elsewhere is the service's fault, not the person's.
    private func nextPage(_ link: String) throws -> WebURL {
        do { return try http.nextPage(link) } catch {
            throw AuthError.protocolFailure("next_page_link leads outside the API's origin")
        }
    }
}
