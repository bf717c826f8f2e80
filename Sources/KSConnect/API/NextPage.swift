public import AuthModels
public import AuthenticatedHTTP

extension APIClient {
    /// The address of a list's next page, from `next_page_link` as the service gave it: absolute, or
    /// a path on the API's host.
    ///
    /// - Throws: `originNotAllowed` when it leads elsewhere.
    public func nextPage(_ link: String) throws(AuthError) -> WebURL {
        // The one character that the service has been seen to leave unescaped in a query.
        let escaped = link.split(separator: " ", omittingEmptySubsequences: false)
            .joined(separator: "%20")
        let isPath =
            escaped.utf8.first == UInt8(ascii: "/") && !escaped.utf8.starts(with: "//".utf8)
        let tail = apiBase.path + (apiBase.query.map { "?" + $0 } ?? "")
        let host = String(apiBase.rawValue.dropLast(tail.count))
        guard let url = try? WebURL(isPath ? host + escaped : escaped),
            url.origin == apiBase.origin
        else { throw .originNotAllowed }
        return url
    }
}
