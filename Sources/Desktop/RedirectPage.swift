internal import Crypto
internal import FoundationEssentials

/// The pages that the redirect listener can show; none says anything that a request said.
enum RedirectPage: Equatable, CaseIterable {
    case signedIn
    case denied
    case failed
    case alreadyUsed
    case badRequest
    case foreignUser
    case notFound
    case methodNotAllowed
    case targetTooLong
    case headTooLarge
    case misdirected

    var status: String {
        switch self {
        case .signedIn, .denied, .failed: "200 OK"
        case .alreadyUsed: "410 Gone"
        case .badRequest: "400 Bad Request"
        case .foreignUser: "403 Forbidden"
        case .notFound: "404 Not Found"
        case .methodNotAllowed: "405 Method Not Allowed"
        case .targetTooLong: "414 URI Too Long"
        case .headTooLarge: "431 Request Header Fields Too Large"
        case .misdirected: "421 Misdirected Request"
        }
    }

    private enum Mark: String { case check, cross, dash }

    private var content: (mark: Mark, title: String, text: String) {
        switch self {
        case .signedIn:
            (.check, "You are signed in", "You can close this page and go back to the application.")
        case .denied:
            (
                .cross, "Access was not granted",
                "Nothing was stored. Go back to the application to try again."
            )
        case .failed:
            (
                .cross, "Signing in did not work",
                "Nothing was stored. The application says what went wrong and what to do."
            )
        case .alreadyUsed:
            (
                .dash, "This page has already been used",
                "A sign-in is completed only once. Go back to the application."
            )
        case .foreignUser:
            (.cross, "Not for this user", "The sign-in belongs to another user of this machine.")
        case .notFound:
            (.dash, "Nothing here", "This address only waits for the end of a sign-in.")
        case .badRequest, .methodNotAllowed, .targetTooLong, .headTooLarge, .misdirected:
            (
                .dash, "This does not belong to the sign-in",
                "If you were signing in, start again from the application."
            )
        }
    }

    /// The whole answer; `bodyless` leaves the body out, as an answer to HEAD must.
    func answer(bodyless: Bool = false) -> [UInt8] {
        let body = Array(html.utf8)
        var head = "HTTP/1.1 \(status)\r\n"
        if self == .methodNotAllowed { head += "Allow: GET\r\n" }
        head += """
            Content-Type: text/html; charset=utf-8\r
            Content-Length: \(body.count)\r
            Cache-Control: no-store\r
            Referrer-Policy: no-referrer\r
            Content-Security-Policy: \(Self.contentSecurityPolicy)\r
            X-Content-Type-Options: nosniff\r
            X-Frame-Options: DENY\r
            Cross-Origin-Opener-Policy: same-origin\r
            Connection: close\r
            \r

            """
        return Array(head.utf8) + (bodyless ? [] : body)
    }

    static let contentSecurityPolicy: String = {
        let digest = Data(SHA256.hash(data: Data(style.utf8))).base64EncodedString()
        return "default-src 'none'; style-src 'sha256-\(digest)'; base-uri 'none'; "
            + "form-action 'none'; frame-ancestors 'none'"
    }()

    private var html: String {
        let (mark, title, text) = content
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title)</title>
            <style>\(Self.style)</style>
            </head>
            <body>
            <main class="\(mark.rawValue)">
            \(Self.drawing(mark))
            <h1>\(title)</h1>
            <p>\(text)</p>
            </main>
            </body>
            </html>

            """
    }

    private static func drawing(_ mark: Mark) -> String {
        let path =
            switch mark {
            case .check: "M20 33.5 28.5 42 45 24"
            case .cross: "M23 23 41 41M41 23 23 41"
            case .dash: "M21 32H43"
            }
        return """
            <svg viewBox="0 0 64 64" width="72" height="72" aria-hidden="true">\
            <circle cx="32" cy="32" r="30"/><path d="\(path)"/></svg>
            """
    }

    static let style = """
        :root{--paper:#f4f6f8;--card:#fff;--ink:#17212b;--soft:#52606d;--good:#12805c;\
        --bad:#b3362b;--idle:#64748b}
        @media(prefers-color-scheme:dark){:root{--paper:#11161c;--card:#1b232c;--ink:#eef2f6;\
        --soft:#a5b1bd;--good:#3fbf8f;--bad:#ef7d70;--idle:#93a1b0}}
        *{box-sizing:border-box}
        body{margin:0;min-height:100vh;display:grid;place-items:center;padding:24px;\
        background:var(--paper);color:var(--ink);\
        font:17px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Cantarell,sans-serif}
        main{width:100%;max-width:440px;padding:44px 36px;text-align:center;\
        background:var(--card);border-radius:18px;box-shadow:0 12px 36px rgba(10,25,41,.14)}
        h1{margin:22px 0 8px;font-size:25px;line-height:1.25;font-weight:650}
        p{margin:0;color:var(--soft)}
        circle{opacity:.14}
        path{fill:none;stroke-width:5;stroke-linecap:round;stroke-linejoin:round}
        .check circle{fill:var(--good)}.check path{stroke:var(--good)}
        .cross circle{fill:var(--bad)}.cross path{stroke:var(--bad)}
        .dash circle{fill:var(--idle)}.dash path{stroke:var(--idle)}
        """
}
