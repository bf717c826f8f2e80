/// The provider's identifier, compared byte by byte: a trailing slash or an upper-case letter makes
/// another issuer (RFC 8414 §2, OpenID Connect Discovery §4.3).
public struct Issuer: ExactString {
    public let url: WebURL

    public var rawValue: String { url.rawValue }

    /// Why a text is no issuer.
    public enum Fault: Error, Equatable, Sendable {
        case url(WebURL.Fault)
        /// An issuer has no query (RFC 8414 §2).
        case query
    }

    public init(_ text: String) throws(Fault) {
        let url: WebURL
        do { url = try WebURL(text) } catch { throw .url(error) }
        guard url.query == nil else { throw .query }
        self.url = url
    }
}
