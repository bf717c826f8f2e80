import AuthModels
import AuthSession
import AuthenticatedHTTP
import Desktop
import FoundationEssentials
import HTTPTypes
import Synchronization

/// Sends or fetches one large body through the real client and tells how much memory that took.
///
///     transfer download URL
///     transfer upload-file URL PATH
///     transfer upload-stream URL BYTES
@main
enum Transfer {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let action = arguments.first, let target = arguments.dropFirst().first else {
            throw Misuse()
        }
        let url = try WebURL(target)
        let record = try OneToken.record(for: url)
        let transport = AsyncHTTPTransport(trust: .system)
        let client = APIClient(
            tokens: OneToken(record: record), transport: transport, apiBase: url,
            clock: SystemClock(), random: KernelRandom())
        let largest = arguments.dropFirst(2).first ?? ""

        // Before anything of a client's own exists: its thread and its buffers count too.
        let before = try Memory.now()
        let started = ContinuousClock.now
        let answer: HTTPAnswer
        let tally = Tally()
        switch action {
        case "download":
            answer = try await client.download(request(.get, url, .none, tally)) { chunk in
                tally.count(chunk)
            }
        case "upload-file":
            answer = try await client.send(request(.put, url, .file(path: largest), tally))
        case "upload-stream":
            let body = OneShotBody(Zeros(count: Int(largest) ?? 0))
            answer = try await client.send(request(.put, url, .stream(body), tally))
        default: throw Misuse()
        }
        let seconds = (ContinuousClock.now - started).seconds
        let after = try Memory.now()
        await transport.shutdown()
        print(
            """
            {"status":\(answer.response.status.code),"bytes":\(tally.bytes),\
            "progress":\(tally.progress),"seconds":\(seconds),\
            "residentBeforeKiB":\(before.resident),"peakKiB":\(after.peak),\
            "extraKiB":\(after.peak - before.resident)}
            """)
    }

    private static func request(
        _ method: HTTPRequest.Method, _ url: WebURL, _ body: APIBody, _ tally: Tally
    ) -> APIRequest {
        APIRequest(method, url, body: body, deadline: .seconds(600)) { tally.note($0) }
    }
}

struct Misuse: Error {}

/// What the caller saw of the transfer.
final class Tally: Sendable {
    private let counts = Mutex((bytes: Int64(0), progress: Int64(0)))
    var bytes: Int64 { counts.withLock { $0.bytes } }
    /// How far the last report said it was.
    var progress: Int64 { counts.withLock { $0.progress } }

    func count(_ chunk: [UInt8]) { counts.withLock { $0.bytes += Int64(chunk.count) } }
    func note(_ progress: TransferProgress) { counts.withLock { $0.progress = progress.bytes } }
}

/// A body that no memory holds.
struct Zeros: AsyncSequence, Sendable {
    let count: Int

    struct AsyncIterator: AsyncIteratorProtocol {
        var left: Int

        mutating func next() async -> [UInt8]? {
            guard left > 0 else { return nil }
            let size = Swift.min(left, 64 << 10)
            left -= size
            return [UInt8](repeating: 0, count: size)
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(left: count) }
}

/// A session with a token that never runs out.
struct OneToken: TokenSource {
    let record: SessionRecord

    func accessToken(_ need: TokenNeed?) async throws(AuthError) -> IssuedToken {
        guard let token = AccessToken("benchmark") else { throw .loginRequired(.never) }
        return IssuedToken(access: token, record: record)
    }

    static func record(for api: WebURL) throws -> SessionRecord {
        guard let client = ClientID("benchmark") else { throw Misuse() }
        let identity = "http://127.0.0.1:1"
        return SessionRecord(
            account: .default, id: SessionID(random: [1]), generation: Generation(1),
            registration: ClientRegistration(
                issuer: try Issuer(identity), clientID: client, authentication: .none,
                scope: Scope(), redirectURI: try RedirectURI("http://localhost:3000/callback"),
                apiBase: api),
            endpoints: PinnedEndpoints(
                authorization: try WebURL(identity + "/authorize"),
                token: try WebURL(identity + "/token")),
            identity: nil, grantedScope: Scope(),
            expiry: TokenExpiry(obtained: SystemClock().now(), lifetime: nil),
            hasRefreshToken: false, hasIDToken: false)
    }
}

/// This process's memory as the kernel counts it (proc_pid_status(5)), in KiB.
struct Memory {
    let resident: Int
    let peak: Int

    static func now() throws -> Memory {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        func value(_ name: String) throws -> Int {
            let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
            let digits = line?.drop { !$0.isNumber }.prefix { $0.isNumber }
            guard let digits, let value = Int(digits) else { throw Misuse() }
            return value
        }
        return Memory(resident: try value("VmRSS"), peak: try value("VmHWM"))
    }
}

extension Duration {
    fileprivate var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
