import AuthModels
import HTTPTypes
import Hummingbird

/// The one origin under which browsers reach the application.
struct OwnOrigin: Sendable, CustomStringConvertible {
    /// `https://host` or `https://host:port`, as browsers write it in `Origin`.
    let description: String
    /// What stands in `Host`.
    let authority: String
    let isSecure: Bool

    init(publicURL: String) throws(AuthError) {
        let url: WebURL
        do { url = try WebURL(publicURL) } catch {
            throw .configInvalid("--public-url: \(error)")
        }
        guard url.path.isEmpty || url.path == "/", url.query == nil else {
            throw .configInvalid("--public-url is an origin, without a path")
        }
        isSecure = url.scheme == "https"
        let isUsual = url.effectivePort == (isSecure ? 443 : 80)
        authority = isUsual ? url.host : "\(url.host):\(url.effectivePort)"
        description = "\(url.scheme)://\(authority)"
    }

    /// Whether a request was meant for this application, and not for a name that somebody else's
    /// DNS turned to its address.
    func isMeant(by request: Request) -> Bool {
        request.head.authority?.lowercased() == authority
    }

    /// Whether a form was sent by a page of this application: what no other site's page can claim.
    ///
    /// `Sec-Fetch-Site` (Fetch Metadata) where the browser knows it, and `Origin` (RFC 6454 §7)
    /// where it tells one. One of them must say yes and none may say no.
    func isSource(of request: Request) -> Bool {
        let site = HTTPField.Name("Sec-Fetch-Site").flatMap { request.headers[$0] }
        let origin = request.headers[.origin]
        if let site, site != "same-origin" { return false }
        if let origin, origin != description { return false }
        return site != nil || origin != nil
    }
}
