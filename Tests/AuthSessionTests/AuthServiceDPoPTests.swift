import AuthModels
import AuthSession
import FoundationEssentials
import HTTPTypes
import OpenIDConnect
import Testing

@Suite("The auth service with tokens bound to a key")
struct AuthServiceDPoPTests {
    private static func challenge(_ nonce: String?, _ code: String = "use_dpop_nonce") -> HTTPAnswer
    {
        var headers = HTTPFields()
        if let name = HTTPField.Name("DPoP-Nonce"), let nonce { headers[name] = nonce }
        return .status(400, #"{"error":"\#(code)"}"#, headers: headers)
    }

    private static func tokens(_ type: String, nonce: String? = nil) -> HTTPAnswer {
        var answer = challenge(nonce)
        answer.response.status = .ok
        answer.body = Array(
            #"{"access_token":"at-2","token_type":"\#(type)","refresh_token":"rt-2"}"#.utf8)
        return answer
    }

    private func expired() async throws -> ServiceBench {
        let bench = try ServiceBench()
        bench.provider.give(tokenType: "DPoP")
        try await bench.signedIn(dpopKey: .sample())
        bench.clock.advance(by: .seconds(3601))
        return bench
    }

    private func proofs(_ bench: ServiceBench) throws -> [OpenedProof] {
        try bench.provider.proofs.map { try OpenedProof($0) }
    }

    // MARK: Sign-in

    @Test("A sign-in makes a key, proves it at the token endpoint and keeps it with the tokens")
    func signIn() async throws {
        let bench = try ServiceBench()
        bench.provider.give(tokenType: "dPoP")
        let redirects = FakeRedirects()
        _ = try await bench.service.signIn(
            SignInRequest(
                registration: try ServiceBench.registration(usesDPoP: true), redirects: redirects,
                browser: redirects))
        let proof = try #require(try proofs(bench).first)
        #expect(bench.provider.proofs.count == 1)
        #expect(proof.target == "https://id.example/token")
        #expect(proof.claims["htm"] == .string("POST") && proof.claims["ath"] == nil)
        let key = try #require(await bench.store.dpopKey())
        #expect(try key.thumbprint() == proof.thumbprint)
        let query = try #require(redirects.opened.first?.query)
        #expect(query.split(separator: "&").contains("dpop_jkt=\(proof.thumbprint)"))
        let token = try await bench.service.accessToken()
        #expect(token.dpopKey == key && token.record.registration.tokenType == .dpop)
        #expect(try await bench.sibling().accessToken().dpopKey == key, "from the store as well")
    }

    @Test("Case 85: a code refused for want of a nonce is sent once more, with it and a new proof")
    func codeExchangeNonce() async throws {
        let bench = try ServiceBench()
        bench.provider.give(tokenType: "DPoP")
        bench.provider.next(.answer(Self.challenge("n-1")))
        let redirects = FakeRedirects()
        _ = try await bench.service.signIn(
            SignInRequest(
                registration: try ServiceBench.registration(usesDPoP: true), redirects: redirects,
                browser: redirects))
        #expect(bench.provider.exchanges.map { $0["code"] } == ["c-1", "c-1"])
        let proofs = try proofs(bench)
        #expect(proofs.map(\.nonce) == [nil, "n-1"])
        #expect(Set(proofs.map(\.identifier)).count == 2)
        #expect(redirects.listener?.outcomes == [.signedIn])
    }

    @Test("Case 27: tokens that are not bound are discarded where bound ones were asked for")
    func downgradeAtSignIn() async throws {
        let bench = try ServiceBench()
        let redirects = FakeRedirects()
        await #expect(throws: AuthError.tokenResponseInvalid("the token type is not DPoP")) {
            try await bench.service.signIn(
                SignInRequest(
                    registration: try ServiceBench.registration(usesDPoP: true),
                    redirects: redirects, browser: redirects))
        }
        #expect(try await bench.store.record(of: .default) == nil, "nothing is kept")
        #expect(redirects.listener?.outcomes == [.failed])
    }

    @Test("A bearer client sends no proof, and Case 27: takes no bound token")
    func bearer() async throws {
        let bench = try ServiceBench()
        try await bench.expired()
        _ = try await bench.service.accessToken()
        #expect(bench.provider.proofs == [nil])
        bench.clock.advance(by: .seconds(3601))
        bench.provider.next(.answer(Self.tokens("DPoP")))
        await #expect(throws: AuthError.self) { try await bench.service.accessToken() }
        #expect(await bench.store.tokens()?.access.reveal() == "at-2")
    }

    // MARK: Refresh

    @Test("Case 85: a refresh refused for want of a nonce is repeated once, one after the other")
    func refreshNonce() async throws {
        let bench = try await expired()
        let clock = bench.clock
        bench.provider.next(
            .after({ clock.advance(by: .seconds(2)) }, .answer(Self.challenge("n-1"))))
        #expect(try await bench.service.accessToken().access.reveal() == "at-2")
        // The provider itself refuses two at once (oracle G2).
        #expect(bench.provider.refreshes == ["rt-1", "rt-1"])
        let proofs = try proofs(bench)
        #expect(proofs.map(\.nonce) == [nil, "n-1"])
        #expect(Set(proofs.map(\.identifier)).count == 2)
        let times = try proofs.map { try #require(Int($0.issuedAt ?? "")) }
        #expect(times[1] == times[0] + 2, "each proof has the time that it was made at")
        #expect(Set(proofs.map(\.thumbprint)) == [try DPoPKey.sample().thumbprint()])
        #expect(try await bench.record().mark == nil)
        #expect(bench.clock.sleeps.isEmpty, "nothing was carried out, so nothing has to settle")
    }

    @Test("Case 85: the nonce of a success is used in the next proof")
    func nonceInSuccess() async throws {
        let bench = try await expired()
        bench.provider.always(.answer(Self.tokens("DPoP", nonce: "n-2")))
        _ = try await bench.service.accessToken()
        _ = try await bench.service.refresh()
        #expect(try proofs(bench).map(\.nonce) == [nil, "n-2"])
    }

    @Test(
        "Case 85: a provider that always wants another nonce ends in an error after one repeat",
        arguments: [nil, "n-1", "a\"b", String(repeating: "n", count: 1025)])
    func always(nonce: String?) async throws {
        let bench = try await expired()
        bench.provider.always(.answer(Self.challenge(nonce)))
        await #expect(throws: AuthError.tokenEndpointRejected(code: "use_dpop_nonce")) {
            try await bench.service.accessToken()
        }
        #expect(bench.provider.refreshes.count == (nonce == "n-1" ? 2 : 1))
        let record = try await bench.record()
        #expect(record.phase == .active && record.mark == nil)
        #expect(await bench.refreshToken() == "rt-1")
    }

    @Test("Case 85: no other refusal is repeated, whatever nonce it brings")
    func otherRefusal() async throws {
        let bench = try await expired()
        bench.provider.next(.answer(Self.challenge("n-1", "invalid_dpop_proof")))
        await #expect(throws: AuthError.tokenEndpointRejected(code: "invalid_dpop_proof")) {
            try await bench.service.accessToken()
        }
        #expect(bench.provider.refreshes.count == 1)
        bench.clock.advance(by: .seconds(2))
        _ = try await bench.service.accessToken()
        #expect(try proofs(bench).last?.nonce == "n-1", "it is remembered all the same")
    }

    @Test(
        "Case 65: an answer that is lost after the nonce is replayed once, after the settling time")
    func lostAfterChallenge() async throws {
        let bench = try await expired()
        bench.provider.next(.answer(Self.challenge("n-1")), .loseRequest)
        #expect(try await bench.service.accessToken().access.reveal() == "at-2")
        #expect(bench.provider.refreshes == ["rt-1", "rt-1", "rt-1"])
        #expect(bench.clock.sleeps == [.seconds(1)])
        #expect(try proofs(bench).map(\.nonce) == [nil, "n-1", "n-1"])
        #expect(Set(try proofs(bench).map(\.identifier)).count == 3)
    }

    @Test("A provider too slow with its nonce is asked again later, and not under a shorter time")
    func slowChallenge() async throws {
        let bench = try await expired()
        let clock = bench.clock
        bench.provider.next(
            .after({ clock.advance(by: .seconds(11)) }, .answer(Self.challenge("n-1"))))
        let error = await #expect(throws: AuthError.self) { try await bench.service.accessToken() }
        #expect(error?.kind == "transient")
        #expect(bench.provider.refreshes.count == 1)
        #expect(try await bench.record().mark == nil, "nothing was carried out")
        _ = try await bench.service.accessToken()
        #expect(try proofs(bench).map(\.nonce) == [nil, "n-1"])
    }

    @Test("Case 27: a refresh answered with a bearer token keeps the new refresh token and no more")
    func downgradeAtRefresh() async throws {
        let bench = try await expired()
        bench.provider.next(.answer(Self.tokens("Bearer")))
        let error = await #expect(throws: AuthError.self) { try await bench.service.accessToken() }
        #expect(error?.kind == "transient")
        let tokens = try #require(await bench.store.tokens())
        #expect(tokens.refresh?.reveal() == "rt-2" && tokens.access.reveal() == "at-1")
        #expect(await bench.store.dpopKey() == (try .sample()), "the key stays with it")
    }

    @Test("A store that lost the key gets no request through, with a proof or without")
    func keyless() async throws {
        let bench = try ServiceBench()
        var session = try await bench.signedIn(dpopKey: .sample())
        session.dpopKey = nil
        _ = try await bench.store.signIn(
            NewSession(
                account: .default, id: session.record.id, registration: session.record.registration,
                clientSecret: nil, endpoints: session.record.endpoints, identity: nil,
                grantedScope: session.record.grantedScope, expiry: session.record.expiry,
                tokens: session.tokens))
        bench.clock.advance(by: .seconds(3601))
        let error = await #expect(throws: AuthError.self) { try await bench.service.accessToken() }
        #expect(error?.kind == "storeCorrupt")
        #expect(bench.provider.refreshes.isEmpty)
        #expect(try await bench.record().mark == nil)
    }

    @Test("A revocation needs no proof: the token is the provider's own to forget (RFC 7009)")
    func revocation() async throws {
        let bench = try await expired()
        #expect(try await bench.service.signOut() == 0)
        #expect(bench.provider.revoked == ["rt-1"])
        #expect(bench.provider.proofs.isEmpty)
    }
}

@Suite("Nonces for proofs")
struct DPoPNoncesTests {
    private func origin(_ number: Int) throws -> WebURL.Origin {
        try WebURL("https://h\(number).example").origin
    }

    @Test("Case 85: each origin has its own, scheme and port included")
    func origins() throws {
        let nonces = DPoPNonces()
        let urls = ["https://a.example", "https://a.example:8443", "https://b.example"]
        let origins = try urls.map { try WebURL($0).origin }
        for (index, origin) in origins.enumerated() {
            nonces.remember(DPoPNonce("n-\(index)"), for: origin)
        }
        #expect(origins.map { nonces.nonce(for: $0)?.rawValue } == ["n-0", "n-1", "n-2"])
        nonces.remember(nil, for: origins[0])
        #expect(nonces.nonce(for: origins[0])?.rawValue == "n-0")
        #expect(nonces.nonce(for: try WebURL("https://a.example:443/x").origin)?.rawValue == "n-0")
    }

    @Test("Case 85: a bounded number is kept, the latest")
    func bounded() throws {
        let nonces = DPoPNonces()
        for number in 0..<1000 {
            nonces.remember(DPoPNonce("n-\(number)"), for: try origin(number))
        }
        let kept = try (0..<1000).filter { nonces.nonce(for: try origin($0)) != nil }
        #expect(kept == Array(1000 - DPoPNonces.originsMax..<1000))
    }
}
