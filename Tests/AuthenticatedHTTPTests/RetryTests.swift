import AuthModels
import AuthenticatedHTTP
import FoundationEssentials
import HTTPTypes
import Testing

@Suite("Retries")
struct RetryTests {
    @Test(
        "An idempotent call is repeated on 502, 503, 504 and a lost connection",
        arguments: [
            step(answering: .status(502)), step(answering: .status(503)),
            step(answering: .status(504)),
            step(failing: .answerLost("reset")), step(failing: .notSent("refused")),
        ] as [ScriptedTransport.Step])
    func repeated(_ trouble: @escaping ScriptedTransport.Step) async throws {
        for method in [HTTPRequest.Method.get, .head, .options, .put, .delete] {
            let bench = try Bench(ScriptedTransport([trouble, trouble, step(answering: .ok)]))
            let answer = try await bench.send(method)
            #expect(answer.response.status == .ok)
            #expect(bench.transport.requests.count == 3)
            #expect(bench.session.refreshes == 0)
        }
    }

    @Test(
        "POST and PATCH are never repeated but after a 401",
        arguments: [
            HTTPRequest.Method.post, .patch,
        ])
    func neverRepeated(_ method: HTTPRequest.Method) async throws {
        let overloaded = try Bench(ScriptedTransport(.status(503)))
        #expect(try await overloaded.send(method).response.status == .serviceUnavailable)
        let lost = try Bench(ScriptedTransport([step(failing: .answerLost("reset"))]))
        await #expect(throws: AuthError.outcomeUnknown("reset")) {
            try await lost.send(method)
        }
        #expect(overloaded.transport.requests.count == 1)
        #expect(lost.transport.requests.count == 1)
    }

    @Test(
        "Of a call that must not be repeated it is said whether it may have been carried out",
        arguments: [
            (TransportError.answerLost("x"), AuthError.outcomeUnknown("x")),
            (.malformed("x"), .outcomeUnknown("x")),
            (.timedOut(mayHaveArrived: true), .outcomeUnknown("no answer in time")),
            (.responseTooLarge, .outcomeUnknown("the answer is too large")),
            (.timedOut(mayHaveArrived: false), .transient("no answer in time", retryAfter: nil)),
            (.notSent("x"), .transient("x", retryAfter: nil)), (.tls("x"), .tlsFailure("x")),
        ])
    func outcomes(_ fault: TransportError, _ expected: AuthError) async throws {
        let bench = try Bench(ScriptedTransport([step(failing: fault)]))
        await #expect(throws: expected) { try await bench.send(.patch) }
    }

    @Test(
        "Other statuses and failures are not repeated",
        arguments: [
            step(answering: .status(400)), step(answering: .status(404)),
            step(answering: .status(429)), step(answering: .status(500)),
            step(answering: .status(501)),
        ] as [ScriptedTransport.Step])
    func otherStatuses(_ step: @escaping ScriptedTransport.Step) async throws {
        let bench = try Bench(ScriptedTransport([step]))
        _ = try await bench.get()
        #expect(bench.transport.requests.count == 1)
    }

    @Test(
        "TLS failures, malformed and oversized answers and cancellation are not repeated",
        arguments: [
            TransportError.tls("x"), .malformed("x"), .responseTooLarge, .cancelled,
        ])
    func otherFailures(_ error: TransportError) async throws {
        let bench = try Bench(ScriptedTransport([step(failing: error)]))
        await #expect(throws: AuthError(reading: error)) { try await bench.get() }
        #expect(bench.transport.requests.count == 1)
    }

    @Test("After the last attempt the last answer is handed over")
    func gaveUp() async throws {
        let bench = try Bench(ScriptedTransport(.status(502), .status(503), .status(504)))
        #expect(try await bench.get().response.status.code == 504)
        #expect(bench.transport.requests.count == 3)
    }

    @Test("Waits double from their first bound, between its half and its whole")
    func backoff() async throws {
        let bench = try Bench(ScriptedTransport(.status(503), .status(503), .ok))
        _ = try await bench.get()
        #expect(bench.clock.sleeps == [.milliseconds(200), .milliseconds(400)])
        let session = FakeSession(record: try .sample())
        let clock = ManualClock()
        let client = APIClient(
            tokens: session, transport: ScriptedTransport(.status(503), .ok),
            apiBase: try WebURL("https://api.example"), clock: clock,
            random: ConstantRandom(byte: 0))
        _ = try await client.send(.get, client.url("/me"))
        #expect(clock.sleeps == [.milliseconds(100)])
    }

    @Test("Retry-After is waited for when it is short, in seconds or as a date")
    func retryAfter() async throws {
        let seconds = HTTPAnswer.status(503, headers: [.retryAfter: "7"])
        let date = HTTPAnswer.status(
            503,
            headers: [
                .retryAfter: "Sun, 06 Nov 1994 08:49:40 GMT",
                .date: "Sun, 06 Nov 1994 08:49:37 GMT",
            ])
        let bench = try Bench(ScriptedTransport(seconds, date, .ok))
        _ = try await bench.get()
        #expect(bench.clock.sleeps == [.seconds(7), .seconds(3)])
    }

    @Test(
        "A Retry-After over the cap is not waited for: the answer is handed over",
        arguments: [
            "11", "3600", "1000000000", "99999999999999999999999",
        ])
    func longRetryAfter(_ text: String) async throws {
        let bench = try Bench(ScriptedTransport(.status(503, headers: [.retryAfter: text])))
        let answer = try await bench.get()
        #expect(answer.response.headerFields[.retryAfter] == text)
        #expect(bench.clock.sleeps.isEmpty)
    }

    @Test("A negative or unreadable Retry-After is as good as none", arguments: ["-5", "soon", ""])
    func oddRetryAfter(_ text: String) async throws {
        let bench = try Bench(ScriptedTransport(.status(503, headers: [.retryAfter: text]), .ok))
        _ = try await bench.get()
        #expect(bench.clock.sleeps == [.milliseconds(200)])
    }

    @Test("The deadline is the call's, not the attempt's")
    func deadline() async throws {
        let clock = ManualClock()
        let slow: ScriptedTransport.Step = { _ in
            clock.advance(by: .seconds(4))
            return .success(.status(503))
        }
        let transport = ScriptedTransport([slow, slow, slow])
        let client = APIClient(
            tokens: FakeSession(record: try .sample()), transport: transport,
            apiBase: try WebURL("https://api.example"), clock: clock, random: ConstantRandom())
        let request = APIRequest(.get, try client.url("/me"), deadline: .seconds(5))
        let answer = try await client.send(request)
        #expect(answer.response.status.code == 503)
        #expect(
            transport.requests.map(\.deadline) == [.seconds(5), .milliseconds(800)],
            "the second attempt gets what is left, a third would start after the end")
    }

    @Test("The retry after a 401 gets what is left of the deadline too")
    func deadlineAfterRefresh() async throws {
        let clock = ManualClock()
        let transport = ScriptedTransport([
            { _ in
                clock.advance(by: .seconds(4))
                return .success(.invalidToken)
            }, step(answering: .ok),
        ])
        let client = APIClient(
            tokens: FakeSession(record: try .sample()), transport: transport,
            apiBase: try WebURL("https://api.example"), clock: clock, random: ConstantRandom())
        _ = try await client.send(
            APIRequest(.post, try client.url("/me"), deadline: .seconds(5)))
        #expect(transport.requests.map(\.deadline) == [.seconds(5), .seconds(1)])
    }

    @Test("The budget is the client's: once it is spent, calls are not repeated until it is earned")
    func budget() async throws {
        let transport = OutageTransport()
        let client = APIClient(
            tokens: FakeSession(record: try .sample()), transport: transport,
            apiBase: try WebURL("https://api.example"), clock: ManualClock(),
            random: ConstantRandom(), budget: RetryBudget(capacity: 3))
        for _ in 0..<10 { _ = try await client.send(.get, client.url("/down")) }
        // Three retries, and no more however many calls fail.
        #expect(transport.count == 13)
        // Ten calls that were answered at once earn one.
        for _ in 0..<10 { _ = try await client.send(.get, client.url("/up")) }
        _ = try await client.send(.get, client.url("/down"))
        #expect(transport.count == 25)
    }

    @Test("A 401 after a retry is still refreshed")
    func unauthorizedAfterRetry() async throws {
        let bench = try Bench(
            ScriptedTransport(.status(503), .invalidToken, .status(503), .ok))
        #expect(try await bench.get().response.status == .ok)
        #expect(
            bench.transport.requests.map(\.bearer)
                == ["Bearer at-1", "Bearer at-1", "Bearer at-2", "Bearer at-2"])
    }

    @Test("Cancellation during a wait ends the call")
    func cancelled() async throws {
        let bench = try Bench(ScriptedTransport(.status(503)))
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await bench.get()
        }
        await #expect(throws: AuthError.cancelled) { try await task.value }
    }
}

/// 200 for `/up`, 503 for the rest.
final class OutageTransport: HTTPTransport {
    private let requests = ScriptedCount()
    var count: Int { requests.value }

    func send(_ exchange: HTTPExchange) async throws(TransportError) -> HTTPAnswer {
        requests.increase()
        return exchange.request.path == "/up" ? .ok : .status(503)
    }
}
