import AuthModels
import Testing

@testable import Desktop

@Suite("The request head parser")
struct RequestHeadParserTests {
    private func parse(_ text: String) -> RequestHeadParser.Progress {
        var parser = RequestHeadParser()
        return parser.read(text.utf8)
    }

    @Test("Case 14: reads a head the same however it is cut into segments")
    func segments() {
        let text =
            "GET /callback?code=a+b%2F&state=s HTTP/1.1\r\nHost: localhost:3000\r\n"
            + "A:\t b \r\n\r\n"
        let expected = RequestHead(
            method: "GET", target: "/callback?code=a+b%2F&state=s",
            fields: [
                .init(name: "host", value: "localhost:3000"), .init(name: "a", value: "b"),
            ])
        let bytes = Array(text.utf8)
        for cut in 0...bytes.count {
            var parser = RequestHeadParser()
            var progress = parser.read(bytes[..<cut])
            if progress == .needsMore { progress = parser.read(bytes[cut...]) }
            #expect(progress == .head(expected))
        }
        var single = RequestHeadParser()
        var last = RequestHeadParser.Progress.needsMore
        for byte in bytes { last = single.read([byte]) }
        #expect(last == .head(expected))
    }

    @Test(
        "Case 14: what is not a well-formed head is refused",
        arguments: [
            "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\rHost: a\r\n\r\n", "GET /\0 HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\0\r\n\r\n", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
            "GET / HTTP/1.1\r\nA: b\r\n\tc\r\n\r\n", "GET / HTTP/1.1\r\n A: b\r\n\r\n",
            "GET / HTTP/1.1\r\nA : b\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
            "GET / HTTP/1.1\r\n: b\r\n\r\n", "\r\nGET / HTTP/1.1\r\n\r\n",
            "GET  / HTTP/1.1\r\n\r\n", "GET / / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1 \r\n\r\n",
            "GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n", "GET / http/1.1\r\n\r\n",
            "GET /é HTTP/1.1\r\n\r\n", "G T / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}",
            "GET / HTTP/1.1\r\nA: \u{7F}\r\n\r\n", "GET / HTTP/1.1\r\nA: \u{1B}[2J\r\n\r\n",
        ])
    func refused(text: String) {
        #expect(parse(text) == .refused(.notHTTP))
    }

    @Test("Case 119: lines end at 8 KiB and heads at 16 KiB, without waiting for more")
    func caps() {
        let long = String(repeating: "a", count: 8192)
        #expect(parse("GET /" + long) == .refused(.targetTooLong))
        #expect(parse("GET / HTTP/1.1\r\nA: " + long) == .refused(.headTooLarge))
        let field = "A: " + String(repeating: "b", count: 1000) + "\r\n"
        #expect(
            parse("GET / HTTP/1.1\r\n" + String(repeating: field, count: 17))
                == .refused(.headTooLarge))
        let most = "GET /" + String(repeating: "a", count: 8192 - 14) + " HTTP/1.1\r\n\r\n"
        guard case .head(let head) = parse(most) else {
            Issue.record("a line of 8192 bytes was refused")
            return
        }
        #expect(head.target.utf8.count == 8192 - 13)
    }

    @Test("Case 14: bytes behind the head belong to nobody")
    func pipelined() {
        let first = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
        guard case .head(let head) = parse(first + "GET /b HTTP/1.1\r\n\r\n") else {
            Issue.record("not read")
            return
        }
        #expect(head.target == "/a")
    }
}

@Suite("The screening of requests")
struct RedirectScreeningTests {
    private func screen(
        _ method: String, _ target: String, host: String? = "127.0.0.1:3000",
        uri: String = "http://127.0.0.1:3000/callback", extra: [RequestHead.Field] = []
    ) throws -> RedirectScreening {
        let hosts = host.map { [RequestHead.Field(name: "host", value: $0)] } ?? []
        return RedirectScreening(
            RequestHead(method: method, target: target, fields: hosts + extra),
            for: try RedirectURI(uri))
    }

    @Test("takes a GET of the redirect path with its query as sent")
    func candidate() throws {
        #expect(try screen("GET", "/callback?a=%2f+") == .candidate("/callback?a=%2f+"))
        #expect(
            try screen("GET", "/cb", host: "localhost", uri: "http://localhost:80/cb")
                == .candidate("/cb"))
    }

    @Test("Case 2: Case 3: other paths are 404, other methods 405")
    func strays() throws {
        for path in ["/", "/favicon.ico", "/callback/", "/Callback", "/%63allback", "//callback"] {
            #expect(try screen("GET", path) == .stray(.notFound, onRedirectPath: false))
            #expect(try screen("HEAD", path) == .stray(.notFound, onRedirectPath: false))
        }
        for method in ["OPTIONS", "POST", "HEAD", "PUT", "get", "TRACE"] {
            #expect(
                try screen(method, "/callback?state=s")
                    == .stray(.methodNotAllowed, onRedirectPath: true))
        }
    }

    @Test("Case 7: a Host that is not the redirect URI's own is misdirected")
    func hosts() throws {
        for host in [
            "attacker.example:3000", "localhost:3000", "127.0.0.1", "127.0.0.1:3001", "[::1]:3000",
            "127.0.0.1:3000.", "127.1:3000", "", "127.0.0.1:3000, localhost:3000",
        ] {
            #expect(
                try screen("GET", "/callback", host: host)
                    == .stray(.misdirected, onRedirectPath: true))
        }
        #expect(
            try screen("GET", "/callback", uri: "http://localhost:3000/callback")
                == .stray(.misdirected, onRedirectPath: true))
        #expect(
            try screen("GET", "/callback", host: nil) == .stray(.badRequest, onRedirectPath: true))
        let second = RequestHead.Field(name: "host", value: "127.0.0.1:3000")
        #expect(
            try screen("GET", "/callback", extra: [second])
                == .stray(.badRequest, onRedirectPath: true))
        for target in ["http://127.0.0.1:3000/callback", "*", "127.0.0.1:3000", "/callback#a"] {
            #expect(
                try screen("GET", target) == .stray(.badRequest, onRedirectPath: false))
        }
    }

    @Test("Case 14: a GET that brings a body is refused")
    func bodies() throws {
        for field in [
            RequestHead.Field(name: "transfer-encoding", value: "chunked"),
            RequestHead.Field(name: "content-length", value: "5"),
            RequestHead.Field(name: "content-length", value: "00"),
        ] {
            #expect(
                try screen("GET", "/callback", extra: [field])
                    == .stray(.badRequest, onRedirectPath: true))
        }
    }
}
