import HTTPTypes
import Hummingbird

/// The two cookies of the application: the session, and the one that ties a sign-in to the browser
/// it began in.
///
/// `__Host-` (RFC 6265bis §4.1.3.2) keeps sites beside this one from setting them. Over plain http,
/// for development, browsers take no such name.
struct Cookies: Sendable {
    let origin: OwnOrigin

    enum Kind: String {
        case session = "ksconnect-session"
        case signIn = "ksconnect-sign-in"
    }

    /// - Returns: nil where there is none, or more than one and so nobody knows whose it is.
    func read(_ kind: Kind, in request: Request) -> String? {
        let prefix = name(kind) + "="
        let values = request.headers[values: .cookie]
            .flatMap { $0.split(separator: ";") }
            .map { $0.drop { $0 == " " } }
            .filter { $0.hasPrefix(prefix) }
        return values.count == 1 ? values.first.map { String($0.dropFirst(prefix.count)) } : nil
    }

    /// Lax, not Strict: the redirect from the provider's site must bring the cookies along.
    func set(_ kind: Kind, to value: String, seconds: Int64, in headers: inout HTTPFields) {
        let secure = origin.isSecure ? "; Secure" : ""
        headers.append(
            HTTPField(
                name: .setCookie,
                value: "\(name(kind))=\(value); Path=/; Max-Age=\(seconds); HttpOnly; SameSite=Lax"
                    + secure))
    }

    func erase(_ kind: Kind, in headers: inout HTTPFields) {
        set(kind, to: "", seconds: 0, in: &headers)
    }

    private func name(_ kind: Kind) -> String {
        (origin.isSecure ? "__Host-" : "") + kind.rawValue
    }
}
