internal import AuthModels
internal import HTTPTypes

/// How a client proves itself at token and revocation endpoint (RFC 6749 §2.3.1): in the header or
/// in the form, never in both.
struct ClientCredentials {
    let registration: ClientRegistration
    let secret: ClientSecret?

    /// A form request with the client's proof added to it.
    func exchange(
        _ url: WebURL, form: [(name: String, value: String)]
    ) -> HTTPExchange {
        var form = form
        var headers: HTTPFields = [
            .contentType: "application/x-www-form-urlencoded", .accept: "application/json",
        ]
        let id = registration.clientID.rawValue
        switch (registration.authentication, secret) {
        case (.basic, let secret?):
            headers[.authorization] = Self.basic(
                FormCoder.encode(id), FormCoder.encode(secret.reveal()))
        case (.basicRaw, let secret?):
            headers[.authorization] = Self.basic(id, secret.reveal())
        case (.post, let secret?):
            form.append((name: "client_id", value: id))
            form.append((name: "client_secret", value: secret.reveal()))
        case (.none, _), (.basic, nil), (.basicRaw, nil), (.post, nil):
            form.append((name: "client_id", value: id))
        }
        return HTTPExchange(
            .post, url, headers: headers, body: Array(FormCoder.encode(form).utf8))
    }

    private static func basic(_ id: String, _ secret: String) -> String {
        "Basic " + Base64.encode(Array((id + ":" + secret).utf8))
    }
}
