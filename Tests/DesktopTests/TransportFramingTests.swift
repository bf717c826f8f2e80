import AuthModels
import Foundation
import HTTPTypes
import NIOCore
import Testing

@testable import Desktop

@Suite("The HTTP transport against broken answers")
struct TransportFramingTests {
    @Test("Case 117: both Content-Length and Transfer-Encoding is no answer")
    func conflictingLengths() async throws {
        let (result, _) = try await outcome(of: [
            .text(
                """
                HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
                2\r\n{}\r\n0\r\n\r\n
                """)
        ])
        #expect(result.isMalformed, "\(result)")
    }

    @Test(
        "Case 117: a body that ends early is lost, never a shorter body",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{\"a\":1}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"a\":1}\r\n",
            "HTTP/1.1 200 OK\r\nContent-Le",
        ])
    func truncated(answer: String) async throws {
        for end in [ScriptedServer.Step.close, .reset] {
            let (result, seen) = try await outcome(
                of: [.text(answer), .pause(.milliseconds(20)), end])
            #expect(result.isAnswerLost, "\(result)")
            #expect(seen.requests.count == 1)
        }
    }

    @Test(
        "Case 117: what is not HTTP is malformed",
        arguments: [
            "{\"access_token\":\"x\"}\r\n\r\n",
            "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nBad Name: a\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        ])
    func notHTTP(answer: String) async throws {
        let (result, _) = try await outcome(of: [.text(answer), .pause(.milliseconds(20)), .close])
        #expect(result.isMalformed, "\(answer.debugDescription): \(result)")
    }

    @Test("Case 117: bytes behind an answer never become the next one's")
    func surplus() async throws {
        let first = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        let smuggled = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        let server = try await ScriptedServer { before, _ in
            before == 0
                ? [.text(first + smuggled)]
                : [.text("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")]
        }
        let transport = AsyncHTTPTransport(trust: .system)
        var bodies: [String] = []
        for _ in 0..<2 {
            // The first may count as broken; what must not happen is that "evil" is an answer.
            guard let answer = try? await transport.send(exchange(server.port)) else { continue }
            bodies.append(String(decoding: answer.body, as: UTF8.self))
        }
        #expect(!bodies.contains("evil"), "\(bodies)")
        await transport.shutdown()
        await server.stop()
    }

    @Test("Case 117: interim answers are passed over, and a flood of them meets the deadline")
    func interim() async throws {
        let interim = "HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n"
        let (result, _) = try await outcome(of: [
            .text(interim + interim + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        ])
        #expect(try result.get().body == Array("{}".utf8))
        let (flood, _) = try await outcome(
            of: [.sendForever(Array(interim.utf8))], deadline: .milliseconds(300))
        #expect(flood.fault == .timedOut(mayHaveArrived: true))
    }

    @Test("Case 117: one deadline spans stalls and single bytes alike")
    func slowness() async throws {
        let (stalled, _) = try await outcome(of: [], deadline: .milliseconds(200))
        #expect(stalled.fault == .timedOut(mayHaveArrived: true))
        let drip = Array(
            repeating: [ScriptedServer.Step.text("a"), .pause(.milliseconds(20))], count: 200
        ).flatMap { $0 }
        let (dripped, _) = try await outcome(
            of: [.text("HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n")] + drip,
            deadline: .milliseconds(300))
        #expect(dripped.fault == .timedOut(mayHaveArrived: true))
    }

    @Test("Case 118: an endless or announced body stops at the cap")
    func endless() async throws {
        let chunk = Array(repeating: UInt8(ascii: "a"), count: 16_384)
        let (endless, _) = try await outcome(
            of: [.text("HTTP/1.1 200 OK\r\n\r\n"), .sendForever(chunk)], bytesMax: 100_000)
        #expect(endless.fault == .responseTooLarge)
        let (announced, _) = try await outcome(
            of: [.text("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n")], bytesMax: 100_000)
        #expect(announced.fault == .responseTooLarge)
        let (exact, _) = try await outcome(
            of: [.text("HTTP/1.1 200 OK\r\nContent-Length: 16384\r\n\r\n"), .send(chunk)],
            bytesMax: 16_384)
        #expect(try exact.get().body.count == 16_384)
    }

    @Test("Case 118: endless fields stop at a cap")
    func endlessFields() async throws {
        let (result, _) = try await outcome(of: [
            .text("HTTP/1.1 200 OK\r\n"),
            .sendForever(Array(("X-Filler: " + String(repeating: "a", count: 4000) + "\r\n").utf8)),
        ])
        #expect(result.fault == .responseTooLarge || result.isMalformed, "\(result)")
    }

    @Test("Case 118: the cap counts bytes after inflation")
    func inflation() async throws {
        let folder = try TemporaryFolder()
        try await folder.shell(
            """
            printf '{"a":1}' | gzip -9 > small.gz
            head -c 52428800 /dev/zero | gzip -9 > bomb.gz
            """)
        let small = try #require(FileManager.default.contents(atPath: folder.path + "/small.gz"))
        let bomb = try #require(FileManager.default.contents(atPath: folder.path + "/bomb.gz"))
        func head(_ body: Data) -> ScriptedServer.Step {
            .text(
                """
                HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\
                Content-Length: \(body.count)\r\n\r\n
                """)
        }
        let (inflated, seen) = try await outcome(of: [head(small), .send(Array(small))])
        let answer = try inflated.get()
        #expect(answer.body == Array("{\"a\":1}".utf8))
        #expect(answer.response.headerFields[.contentEncoding] == nil)
        #expect(seen.requests.first?.lowercased().contains("gzip") == true)
        #expect(bomb.count < 60_000)
        let before = try residentPeak()
        let (exploded, _) = try await outcome(of: [head(bomb), .send(Array(bomb))])
        #expect(exploded.fault == .responseTooLarge)
        // 8 MiB may be inflated before they can be counted; 50 would show.
        #expect(try residentPeak() - before < 40 << 20)
    }

    /// VmHWM in bytes; grows only.
    private func residentPeak() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") })
        return try #require(Int(line.filter(\.isNumber))) * 1024
    }
}
