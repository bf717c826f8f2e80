import AuthModels
import AuthSession
import CoreMetrics
import HTTPTypes
import MetricsTestKit
import Telemetry
import Testing

@Suite("The auth service counts")
struct AuthServiceMetricsTests {
    private let metrics = TestMetrics()
    private var observability: Observability { Observability(metrics: metrics) }

    private func bench() throws -> ServiceBench { try ServiceBench(observability: observability) }

    private func outcomes(_ outcome: RefreshOutcome) -> Int64 {
        metrics.total(.refreshes, ("outcome", outcome.rawValue))
    }

    private func replies(_ reply: RefreshReply) -> Int64 {
        metrics.total(.refreshRequests, ("answer", reply.rawValue))
    }

    private func ends(_ cause: SessionEnd) -> Int64 {
        metrics.total(.sessionEnds, ("cause", cause.rawValue))
    }

    // MARK: Refreshes

    @Test("50 callers who wait for one refresh are one refresh, one request and one duration")
    func oneRefresh() async throws {
        let bench = try bench()
        try await bench.expired()
        let clock = bench.clock
        bench.provider.next(.after({ clock.advance(by: .seconds(3)) }, .rotate))
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask { _ = try await bench.service.accessToken() }
            }
            try await group.waitForAll()
        }
        #expect(outcomes(.refreshed) == 1 && metrics.total(.refreshes) == 1)
        #expect(replies(.tokens) == 1 && metrics.total(.refreshRequests) == 1)
        #expect(metrics.durations(.refreshDuration) == [.seconds(3)])
        #expect(metrics.total(.sessionEnds) == 0)
    }

    @Test("What another process refreshed is adopted, and is no request of this one")
    func adopted() async throws {
        let bench = try bench()
        try await bench.signedIn()
        let token = try await bench.service.accessToken()
        _ = try await bench.sibling().refresh()
        let need = TokenNeed(newerThan: token.generation)
        #expect(try await bench.service.accessToken(need).access.reveal() == "at-2")
        #expect(outcomes(.adopted) == 1 && metrics.total(.refreshes) == 1)
        #expect(metrics.total(.refreshRequests) == 0)
        #expect(bench.provider.refreshes == ["rt-1"])
    }

    @Test("A token in memory is no refresh and counts nothing at all")
    func cached() async throws {
        let bench = try bench()
        try await bench.signedIn()
        for _ in 0..<10 { _ = try await bench.service.accessToken() }
        #expect(metrics.texts.isEmpty)
    }

    @Test("A refresh that fails and leaves the session says how", arguments: [0, 1, 2, 3, 4, 5])
    func failed(_ number: Int) async throws {
        typealias Failure = (
            behaviour: RotatingProvider.Behaviour, outcome: RefreshOutcome, reply: RefreshReply,
            requests: Int64
        )
        let failures: [Failure] = [
            (.answer(.status(503)), .transient, .serverError, 2),
            (.loseRequest, .transient, .lost, 2),
            (.fail(.notSent("refused")), .transient, .notSent, 1),
            (.answer(.status(400, #"{"error":"invalid_client"}"#)), .rejected, .rejected, 1),
            (.answer(.status(429)), .busy, .tooManyRequests, 1),
            (
                .answer(.status(503, headers: [.retryAfter: "60"])), .transient, .serverError, 1
            ),
        ]
        let failure = failures[number]
        let bench = try bench()
        try await bench.expired()
        bench.provider.always(failure.behaviour)
        await #expect(throws: AuthError.self) { try await bench.service.accessToken() }
        #expect(outcomes(failure.outcome) == 1 && metrics.total(.refreshes) == 1)
        #expect(replies(failure.reply) == failure.requests)
        #expect(metrics.total(.refreshRequests) == failure.requests)
        #expect(metrics.total(.sessionEnds) == 0)
    }

    @Test("A store or a lock out of reach is told as that, and nothing was sent")
    func outOfReach() async throws {
        let bench = try bench()
        try await bench.expired()
        await bench.store.fail(.markInFlight, .unavailable(.full))
        await #expect(throws: AuthError.store(.unavailable(.full))) {
            try await bench.service.accessToken()
        }
        #expect(outcomes(.store) == 1 && metrics.total(.refreshRequests) == 0)
    }

    // MARK: Ends

    /// Restores and asks for tokens in this process and three new ones, all on one backend.
    private func lookAgain(_ bench: ServiceBench) async throws {
        let services =
            [bench.service]
            + (try (0..<3).map { _ in try bench.sibling(observability: observability) })
        for service in services {
            for _ in 0..<2 {
                _ = try await service.restore()
                _ = try? await service.accessToken()
            }
        }
    }

    @Test("A revoked session ends once, whoever looks at it later")
    func revoked() async throws {
        let bench = try bench()
        try await bench.expired()
        bench.provider.next(.answer(.status(400, #"{"error":"invalid_grant"}"#)))
        _ = try? await bench.service.accessToken()
        try await lookAgain(bench)
        #expect(ends(.revoked) == 1 && metrics.total(.sessionEnds) == 1)
        #expect(outcomes(.revoked) == 1 && replies(.invalidGrant) == 1)
    }

    @Test("A session whose answer was lost ends once, as that")
    func outcomeUnknown() async throws {
        let bench = try bench()
        try await bench.expired()
        bench.provider.next(.rotateAndLose)
        _ = try? await bench.service.accessToken()
        try await lookAgain(bench)
        #expect(ends(.outcomeUnknown) == 1 && metrics.total(.sessionEnds) == 1)
        #expect(outcomes(.outcomeUnknown) == 1)
        #expect(replies(.lost) == 1 && replies(.invalidGrant) == 1)
    }

    @Test("A session without refresh token ends once, for who held it when its token ran out")
    func ranOut() async throws {
        let bench = try bench()
        try await bench.signedIn(refresh: nil)
        _ = try await bench.service.accessToken()
        bench.clock.advance(by: .seconds(3601))
        await #expect(throws: AuthError.loginRequired(.ended(.expired))) {
            try await bench.service.accessToken()
        }
        try await lookAgain(bench)
        #expect(ends(.expired) == 1 && metrics.total(.sessionEnds) == 1)
    }

    @Test("A refreshed ID token of someone else ends the session once")
    func identityChanged() async throws {
        let bench = try bench()
        let signer = IDTokenSigner()
        let subject = try #require(Subject("person-1"))
        try await bench.signedIn(
            identity: Identity(subject: subject),
            idToken: signer.token(subject: "person-1", at: bench.clock.now()))
        bench.clock.advance(by: .seconds(3601))
        bench.provider.publish(keys: .success(signer.keySet))
        let token = try signer.token(subject: "person-2", at: bench.clock.now())
        bench.provider.next(.rotateAdding("\"id_token\":\"\(token)\""))
        _ = try? await bench.service.accessToken()
        try await lookAgain(bench)
        #expect(ends(.identityChanged) == 1 && metrics.total(.sessionEnds) == 1)
        #expect(outcomes(.identityChanged) == 1 && replies(.identityChanged) == 1)
    }

    @Test("A lost key is counted once for a sign-in, however many callers meet it")
    func keyLost() async throws {
        let bench = try bench()
        try await bench.signedIn()
        let lost = StoreError.key(.lost("k-1"))
        await bench.store.fail(.open, lost, lost, lost)
        for _ in 0..<3 {
            await #expect(throws: AuthError.loginRequired(.ended(.keyLost))) {
                try await bench.service.accessToken()
            }
        }
        #expect(ends(.keyLost) == 1 && metrics.total(.sessionEnds) == 1)
    }

    @Test("Signing out is counted once, by the process that did it, and not where nobody was")
    func signedOut() async throws {
        let bench = try bench()
        try await bench.service.signOut()
        #expect(metrics.total(.sessionEnds) == 0)
        try await bench.signedIn()
        try await bench.service.signOut()
        try await bench.service.signOut()
        try await bench.sibling(observability: observability).signOut()
        try await lookAgain(bench)
        #expect(ends(.asked) == 1 && metrics.total(.sessionEnds) == 1)
    }

    @Test("A sign-out during a refresh ends both, each once")
    func signedOutWhileRefreshing() async throws {
        let bench = try bench()
        try await bench.expired()
        let gate = Gate()
        bench.provider.next(.after({ await gate.pass() }, .rotate))
        let caller = Task { try await bench.service.accessToken() }
        try await eventually("the request is sent") { gate.arrivals == 1 }
        try await bench.service.signOut()
        _ = try? await caller.value
        gate.open()
        try await eventually("the late token is revoked") {
            bench.provider.revoked.contains("rt-2")
        }
        #expect(outcomes(.signedOut) == 1 && metrics.total(.refreshes) == 1)
        #expect(ends(.asked) == 1 && metrics.total(.sessionEnds) == 1)
        #expect(replies(.tokens) == 1)
    }

    // MARK: Revocations

    @Test("Revocations are counted by what became of them, and what waits is shown")
    func revocations() async throws {
        let bench = try bench()
        try await bench.signedIn()
        bench.provider.answerRevocations(.status(503))
        #expect(try await bench.service.signOut() == 1)
        #expect(metrics.total(.revocations, ("outcome", "later")) == 1)
        let gauge = try metrics.expectRecorder(Metric.revocationsPending.rawValue)
        #expect(gauge.lastValue == 1)
        bench.provider.answerRevocations(.status(200))
        bench.clock.advance(by: .seconds(3600))
        await bench.service.sendDueRevocations()
        #expect(metrics.total(.revocations, ("outcome", "sent")) == 1)
        #expect(gauge.lastValue == 0)
    }

    // MARK: Sign-ins

    @Test("A sign-in is counted once, at its end")
    func signIns() async throws {
        let bench = try bench()
        _ = try await bench.service.signIn(.test(FakeRedirects()))
        #expect(metrics.total(.signIns, ("outcome", "signedIn")) == 1)
        let denied = FakeRedirects(.returns(["/callback?error=access_denied&state=STATE"]))
        _ = try? await bench.service.signIn(.test(denied))
        #expect(metrics.total(.signIns, ("outcome", "authorizationDenied")) == 1)
        bench.provider.next(.loseRequest)
        _ = try? await bench.service.signIn(.test(FakeRedirects()))
        #expect(metrics.total(.signIns, ("outcome", "codeExchangeLost")) == 1)
        #expect(metrics.total(.signIns) == 3)
    }

    // MARK: Off

    @Test("A service made without observability counts nothing, whatever is bootstrapped later")
    func off() async throws {
        let bench = try ServiceBench(observability: .off)
        try await bench.expired()
        try await withMetricsFactory(metrics) {
            _ = try await bench.service.accessToken()
            _ = try await bench.service.signOut()
        }
        #expect(metrics.texts.isEmpty)
    }

    @Test("What is bootstrapped when a service is made is what it uses")
    func bootstrapped() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        let service = try withMetricsFactory(metrics) {
            try bench.sibling(observability: .bootstrapped)
        }
        _ = try await service.accessToken()
        #expect(outcomes(.refreshed) == 1)
    }
}
