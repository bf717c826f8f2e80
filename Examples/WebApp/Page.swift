import HTTPTypes
import Hummingbird

/// A whole page: what every page has around what is its own. No script, nothing from elsewhere.
struct Page: Sendable {
    var title: String
    var body: HTML
    var status = HTTPResponse.Status.ok
    /// Whom the sign-out button is for; none on pages for those who are not signed in.
    var person: String?
    /// Where forms of the page may lead, redirects included: browsers hold both to `form-action`.
    var formTargets = "'self'"
    var headers = HTTPFields()

    var response: Response {
        var headers = headers
        headers[.contentType] = "text/html; charset=utf-8"
        headers[.contentSecurityPolicy] =
            "default-src 'none'; style-src \(PageStyle.source); form-action \(formTargets); "
            + "base-uri 'none'; frame-ancestors 'none'"
        return Response(
            status: status, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(string: html.text)))
    }

    private var html: HTML {
        """
        <!doctype html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(title) · My doors</title>
        <style>\(HTML(stringLiteral: PageStyle.sheet))</style>
        </head>
        <body>
        <header><div class="bar"><a class="brand" href="/">My doors</a>\(account)</div></header>
        <main>
        \(body)
        </main>
        </body>
        </html>
        """
    }

    private var account: HTML {
        guard let person else { return "" }
        return """
            <p class="who" dir="auto">\(person)</p>
            <form method="post" action="/sign-out">
            <button type="submit" class="quiet">Sign out</button></form>
            """
    }
}

/// Sends the browser on with a GET (RFC 9110 §15.4.4).
func seeOther(_ location: String, headers: HTTPFields = [:]) -> Response {
    var headers = headers
    headers[.location] = location
    return Response(status: .seeOther, headers: headers)
}
