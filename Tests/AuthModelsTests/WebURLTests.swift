import AuthModels
import HTTPTypes
import Testing

@Suite("Web URLs")
struct WebURLTests {
    @Test("An address is taken apart and kept as written")
    func parts() throws {
        let url = try WebURL("HTTPS://Id.Example.TEST:8443/a%20b/c?x=1&y=%2F?z")
        #expect(url.rawValue == "HTTPS://Id.Example.TEST:8443/a%20b/c?x=1&y=%2F?z")
        #expect(url.scheme == "https")
        #expect(url.host == "id.example.test")
        #expect(url.port == 8443)
        #expect(url.path == "/a%20b/c")
        #expect(url.query == "x=1&y=%2F?z")
        #expect(url.origin.description == "https://id.example.test:8443")
        let bare = try WebURL("https://h")
        #expect(bare.path.isEmpty && bare.query == nil && bare.effectivePort == 443)
        #expect(try WebURL("http://[::1]/x").effectivePort == 80)
        #expect(try WebURL("https://h?").query == "")
    }

    @Test(
        "Case 39: what is no plain web address is refused with its reason",
        arguments: [
            ("file:///etc/passwd", WebURL.Fault.schemeNotAllowed),
            ("javascript:alert(1)", .notAbsolute),
            ("javascript://x/%0Aalert(1)", .schemeNotAllowed),
            ("-e", .notAbsolute), ("--https://h/", .schemeNotAllowed), ("", .notAbsolute),
            (" https://h/", .forbiddenCharacter), ("https://h/\n", .forbiddenCharacter),
            ("https://h/\u{0}", .forbiddenCharacter), ("https://h/a b", .forbiddenCharacter),
            ("https://\u{E9}/", .forbiddenCharacter), ("https://good\\@evil/", .forbiddenCharacter),
            ("https://h/`x`", .forbiddenCharacter), ("https://h/{x}", .forbiddenCharacter),
            ("https://h/\"x", .forbiddenCharacter), ("https://u@h/", .userInformation),
            ("https://u:p@h/", .userInformation), ("https://$(x)/", .badHost),
            ("https:///x", .badHost), ("https://", .badHost), ("https://-h/", .badHost),
            ("https://.h/", .badHost), ("https://h%2E/", .badHost), ("https://[::1", .badHost),
            ("https://[x]/", .badHost), ("https://[::1]x/", .badHost), ("https://h:/", .badPort),
            ("https://h:0/", .badPort), ("https://h:65536/", .badPort), ("https://h:+1/", .badPort),
            ("https://h:8x/", .badPort), ("https://h:080000/", .badPort),
            ("https://h/#x", .fragment),
            ("https://h#x", .fragment), ("http://h/", .cleartext),
            ("http://127.0.0.1.evil/", .cleartext),
            ("http://localhost.evil/", .cleartext), ("http://127.1/", .cleartext),
            ("http://0x7f.0.0.1/", .cleartext), ("http://127.0.0.256/", .cleartext),
            ("http://[::2]/", .cleartext), ("http://sub.localhost/", .cleartext),
        ])
    func refused(text: String, fault: WebURL.Fault) {
        #expect(throws: fault) { try WebURL(text) }
    }

    @Test("Case 39: 4096 bytes are a URL, 64 KiB are not")
    func length() throws {
        let start = "https://h/"
        let longest = start + String(repeating: "a", count: 4096 - start.utf8.count)
        #expect(try WebURL(longest).rawValue.utf8.count == 4096)
        #expect(throws: WebURL.Fault.tooLong) { try WebURL(longest + "a") }
        #expect(throws: WebURL.Fault.tooLong) {
            try WebURL(start + String(repeating: "a", count: 65_536))
        }
    }

    @Test(
        "Case 115: clear text is accepted on loopback hosts",
        arguments: [
            "http://localhost:3000/", "http://LOCALHOST/", "http://127.0.0.1/",
            "http://127.9.8.7:1/",
            "http://[::1]:8080/",
        ])
    func loopback(text: String) throws {
        #expect(try WebURL(text).isLoopback)
    }

    @Test("Case 84: a path is put behind the base and never leaves it")
    func appending() throws {
        let base = try WebURL("https://h/api")
        #expect(try base.appending(path: "/me").rawValue == "https://h/api/me")
        #expect(try base.appending(path: "me?x=1").rawValue == "https://h/api/me?x=1")
        #expect(try WebURL("https://h/api/").appending(path: "/me").rawValue == "https://h/api/me")
        #expect(
            try WebURL("https://h/api?k=1").appending(path: "/me").rawValue == "https://h/api/me")
        #expect(try WebURL("https://h").appending(path: "/me").rawValue == "https://h/me")
        #expect(try base.appending(path: "//evil/x").origin == base.origin)
        #expect(try base.appending(path: "@evil").origin == base.origin)
        for path in [
            "/../x", "/./x", "/%2e%2e/x", "/%2E./x", "/.%2e", "/a/..", "/%2e", "\\..\\x", "/#x",
        ] {
            #expect(throws: WebURL.Fault.self) { try base.appending(path: path) }
        }
    }

    @Test("Two URLs are the same only byte by byte, two origins by scheme, host and port")
    func equality() throws {
        #expect(try WebURL("https://h/") != WebURL("https://H/"))
        #expect(try WebURL("https://h/").origin == WebURL("https://H:443/x").origin)
        #expect(try WebURL("https://h/").origin != WebURL("https://h:8443/").origin)
        #expect(try WebURL("http://localhost/").origin != WebURL("https://localhost/").origin)
    }

    @Test("A request for a URL keeps path and query as written")
    func exchange() throws {
        let exchange = HTTPExchange(.get, try WebURL("https://H:8443?a=%20b+c"))
        #expect(exchange.request.authority == "h:8443")
        #expect(exchange.request.path == "/?a=%20b+c")
        #expect(HTTPExchange(.get, try WebURL("https://h/x")).request.authority == "h")
    }

    @Test(
        "Case 38: an issuer is compared byte by byte and has no query",
        arguments: [
            "https://h/", "https://H", "https://h:443", "https://h/a", "https://h.test",
        ])
    func issuer(other: String) throws {
        #expect(try Issuer("https://h") != Issuer(other))
        #expect(throws: Issuer.Fault.query) { try Issuer("https://h?x") }
        #expect(throws: Issuer.Fault.url(.cleartext)) { try Issuer("http://h") }
        #expect(try Issuer("https://h/").rawValue == "https://h/")
    }
}

@Suite("Redirect URIs")
struct RedirectURITests {
    @Test("A loopback redirect URI is kept as written")
    func good() throws {
        let uri = try RedirectURI("http://localhost:3000/callback")
        #expect(uri.rawValue == "http://localhost:3000/callback")
        #expect(uri.loopback?.host == .localhost && uri.loopback?.port == 3000)
        #expect(uri.path == "/callback")
        #expect(try RedirectURI("http://[::1]:0/a/b").loopback?.host == .ipv6)
        #expect(try RedirectURI("http://127.0.0.1/").loopback?.port == 80)
    }

    @Test("Only port 0 is replaced by the port that was bound")
    func bound() throws {
        let ephemeral = try RedirectURI("http://127.0.0.1:0/cb").bound(to: 40_000)
        #expect(ephemeral.rawValue == "http://127.0.0.1:40000/cb")
        #expect(ephemeral.loopback?.port == 40_000)
        let fixed = try RedirectURI("http://localhost:3000/cb")
        #expect(try fixed.bound(to: 3000) == fixed)
        #expect(
            try RedirectURI("http://localhost/cb").bound(to: 80).rawValue == "http://localhost/cb")
    }

    @Test(
        "Anything but loopback http with a path is refused",
        arguments: [
            ("https://localhost:3000/cb", RedirectURI.Fault.notLoopbackHTTP),
            ("http://localhost.evil:3000/cb", .notLoopbackHTTP),
            ("http://localhost@evil/cb", .notLoopbackHTTP),
            ("http://127.0.0.10:3000/cb", .notLoopbackHTTP),
            ("http://127.0.0.2:3000/cb", .notLoopbackHTTP), ("http://evil/cb", .notLoopbackHTTP),
            ("http://LOCALHOST/cb", .notLoopbackHTTP), ("http://localhost/c b", .notLoopbackHTTP),
            ("http://localhost/\u{E9}", .notLoopbackHTTP), ("", .notLoopbackHTTP),
            ("http://localhost:x/cb", .badPort), ("http://localhost:/cb", .badPort),
            ("http://localhost:65536/cb", .badPort), ("http://localhost:-1/cb", .badPort),
            ("http://localhost:3000", .badPath), ("http://localhost", .badPath),
            ("http://localhost:3000/cb?x=1", .badPath), ("http://localhost:3000/cb#x", .badPath),
        ])
    func refused(text: String, fault: RedirectURI.Fault) {
        #expect(throws: fault) { try RedirectURI(text) }
    }

    @Test("A web application's redirect URI is an https page, which nobody can listen on")
    func web() throws {
        let uri = try RedirectURI(web: "https://doors.example:8443/callback")
        #expect(uri.rawValue == "https://doors.example:8443/callback")
        #expect(uri.path == "/callback" && uri.loopback == nil)
        #expect(try uri.bound(to: 40_000) == uri)
        let local = "http://localhost:8080/callback"
        #expect(try RedirectURI(web: local) == RedirectURI(local))
        #expect(try RedirectURI(web: local).loopback?.port == 8080)
    }

    @Test(
        "Anything but an https page or loopback http is refused to a web application",
        arguments: [
            ("http://doors.example/callback", RedirectURI.Fault.notLoopbackHTTP),
            ("ftp://doors.example/callback", .notHTTPS), ("doors.example/callback", .notHTTPS),
            ("https://me@doors.example/callback", .notHTTPS),
            ("https://doors.example/callback#x", .notHTTPS), ("", .notHTTPS),
            ("https://doors.example/" + String(repeating: "a", count: 400), .notHTTPS),
            ("https://doors.example", .badPath), ("https://doors.example/callback?x=1", .badPath),
            ("https://doors.example/a/../callback", .badPath),
        ])
    func refusedToWeb(text: String, fault: RedirectURI.Fault) {
        #expect(throws: fault) { try RedirectURI(web: text) }
    }

    @Test("More than 400 bytes are refused, as the providers do")
    func length() {
        let text = "http://localhost/" + String(repeating: "a", count: 400)
        #expect(throws: RedirectURI.Fault.notLoopbackHTTP) { try RedirectURI(text) }
    }
}
