import AuthModels
import AuthSession
import FoundationEssentials
import Testing

@Suite("The auth service and refreshed ID tokens")
struct AuthServiceIdentityTests {
    private let signer = IDTokenSigner()
    private let subject: Subject

    init() throws {
        subject = try #require(Subject("person-1"))
    }

    private func bench() async throws -> ServiceBench {
        let bench = try ServiceBench()
        try await bench.signedIn(
            identity: Identity(subject: subject, nonce: "n-1"),
            idToken: signer.token(subject: "person-1", at: bench.clock.now()))
        bench.clock.advance(by: .seconds(3601))
        bench.provider.publish(keys: .success(signer.keySet))
        return bench
    }

    @Test("Case 71: the same person's refreshed ID token is taken over")
    func same() async throws {
        let bench = try await bench()
        let token = try signer.token(
            subject: "person-1", at: bench.clock.now(), more: #","nonce":"n-1""#)
        bench.provider.next(.rotateAdding("\"id_token\":\"\(token)\""))
        #expect(try await bench.service.accessToken().access.reveal() == "at-2")
        #expect(await bench.store.tokens()?.id?.reveal() == token)
        #expect(try await bench.record().identity?.nonce == "n-1")
    }

    @Test(
        "Case 71: a refreshed ID token of someone else ends the session, and no token is used",
        arguments: ["sub", "iss", "aud", "nonce", "signature"])
    func someoneElse(_ what: String) async throws {
        let bench = try await bench()
        let now = bench.clock.now()
        let token =
            switch what {
            case "sub": try signer.token(subject: "person-2", at: now)
            case "iss":
                try signer.token(subject: "person-1", at: now, issuer: "https://id.example/")
            case "aud": try signer.token(subject: "person-1", at: now, audience: "other")
            case "nonce":
                try signer.token(subject: "person-1", at: now, more: #","nonce":"n-2""#)
            default: try IDTokenSigner().token(subject: "person-1", at: now)
            }
        bench.provider.next(.rotateAdding("\"id_token\":\"\(token)\""))
        await #expect(throws: AuthError.loginRequired(.ended(.identityChanged))) {
            try await bench.service.accessToken()
        }
        #expect(await bench.store.tokens() == nil)
        #expect(try await bench.record().phase == .expired(.identityChanged))
        // What nobody may use is revoked, the new refresh token above all.
        try await eventually("it is revoked") { bench.provider.revoked.contains("rt-2") }
        #expect(bench.provider.refreshes == ["rt-1"])
        try await eventually("the lock is free") { !bench.locks.isHeld() }
    }

    @Test("Case 71: keys out of reach are no mismatch: the rotated token is kept, the person too")
    func keysOutOfReach() async throws {
        let bench = try await bench()
        let old = await bench.store.tokens()?.id
        bench.provider.publish(keys: .failure(.notSent("no route")))
        let token = try signer.token(subject: "person-2", at: bench.clock.now())
        bench.provider.next(.rotateAdding("\"id_token\":\"\(token)\""))
        #expect(try await bench.service.accessToken().access.reveal() == "at-2")
        #expect(await bench.refreshToken() == "rt-2")
        #expect(try await bench.record().identity?.subject == subject)
        #expect(await bench.store.tokens()?.id == old)
    }
}
