import AuthModels
import HTTPTypes
import KSConnect
import Testing

@Suite("Unlocking a real door")
struct UnlockTests {
    private let site: SiteID
    private let lock: LockID
    private static let url = "https://api.example/v1.2/sites/s-1/locks/l-1/locking"

    init() throws {
        site = try #require(SiteID("s-1"))
        lock = try #require(LockID("l-1"))
    }

    @Test(
        "Any success of the service will do, with a body or without",
        arguments: [
            (200, Fixture.lock), (200, ""), (201, ""), (202, "{}"), (204, ""),
        ])
    func successes(_ status: Int, _ body: String) async throws {
        let service = try ScriptedService([.patch(Self.url, status, body)])
        try await service.api.unlock(lock, in: site)
        let request = try #require(service.requests.first)
        #expect(String(decoding: request.body, as: UTF8.self) == #"{"locked_state":"unlocked"}"#)
        #expect(request.request.headerFields[.contentType] == "application/json")
    }

    @Test("The one-time password goes into the body and into no description")
    func password() async throws {
        let service = try ScriptedService([.patch(Self.url, 204)])
        let otp = try #require(OneTimePassword("12\"345"))
        try await service.api.unlock(lock, in: site, otp: otp)
        #expect(
            String(decoding: service.requests.first?.body ?? [], as: UTF8.self)
                == #"{"locked_state":"unlocked","otp":"12\"345"}"#)
        var dumped = ""
        dump(otp, to: &dumped)
        #expect(!"\(otp) \(dumped)".contains("345"))
    }

    @Test(
        "A password is 1 to 64 visible characters",
        arguments: [
            "", "a b", "é", "\n", String(repeating: "1", count: 65),
        ])
    func badPassword(_ text: String) {
        #expect(OneTimePassword(text) == nil)
    }

    @Test("Each refusal of the one-time password has its name")
    func refusals() async throws {
        let cases: [(Int, Int, String, @Sendable (ServiceFault) -> KSConnectError)] = [
            (404, 2202, "otp_not_found", KSConnectError.otpMissing),
            (400, 3102, "otp_invalid", KSConnectError.otpInvalid),
            (403, 3102, "otp_blocked", KSConnectError.otpBlocked),
            (409, 2301, "lock_offline", KSConnectError.service),
            (404, 404, "not_found", KSConnectError.service),
        ]
        for (status, code, message, expected) in cases {
            let service = try ScriptedService([
                .patch(Self.url, status, #"{"ErrorCode":\#(code),"Message":"\#(message)"}"#)
            ])
            await #expect(
                throws: expected(ServiceFault(status: status, code: code, message: message))
            ) { try await service.api.unlock(lock, in: site) }
            #expect(service.requests.count == 1)
        }
    }

    @Test(
        "An unlock is never repeated on an outage or a lost answer",
        arguments: [
            ScriptedService.Step.patch(url, 502), .patch(url, 503), .patch(url, 504),
            .lost("PATCH " + url),
        ])
    func neverRepeated(_ step: ScriptedService.Step) async throws {
        let service = try ScriptedService([step])
        await #expect(throws: KSConnectError.self) {
            try await service.api.unlock(lock, in: site)
        }
        #expect(service.requests.count == 1)
    }

    @Test(
        "Where the door may have been opened the error says so, and nothing else does",
        arguments: [
            (TransportError.answerLost("reset"), true), (.timedOut(mayHaveArrived: true), true),
            (.malformed("x"), true), (.responseTooLarge, true), (.notSent("refused"), false),
            (.timedOut(mayHaveArrived: false), false), (.tls("x"), false),
        ])
    func mayBeOpen(_ fault: TransportError, _ expected: Bool) async throws {
        let service = try ScriptedService([
            .init(line: "PATCH " + Self.url, answer: .failure(fault))
        ])
        do throws(KSConnectError) {
            try await service.api.unlock(lock, in: site)
            Issue.record("nothing was thrown")
        } catch {
            #expect(error.mayHaveOpened == expected)
        }
    }

    @Test(
        "A server or a gateway that failed may have opened the door, one that was busy has not",
        arguments: [
            (500, true), (502, true), (504, true), (503, false), (429, false), (409, false),
        ])
    func failedServer(_ status: Int, _ expected: Bool) async throws {
        let service = try ScriptedService([.patch(Self.url, status)])
        do throws(KSConnectError) {
            try await service.api.unlock(lock, in: site)
            Issue.record("nothing was thrown")
        } catch {
            #expect(error.mayHaveOpened == expected)
            #expect(error.fault?.status == status)
        }
    }

    @Test("Case 76: an unlock is repeated once after a 401, which means it was not carried out")
    func afterUnauthorized() async throws {
        let otp = try #require(OneTimePassword("123456"))
        let service = try ScriptedService([.patch(Self.url, 401), .patch(Self.url, 204)])
        try await service.api.unlock(lock, in: site, otp: otp)
        #expect(service.requests.count == 2)
        #expect(Set(service.requests.map(\.body)).count == 1)
    }

    @Test("Case 77: an unlock that is refused twice is sent twice and no more")
    func refusedTwice() async throws {
        let service = try ScriptedService([.patch(Self.url, 401), .patch(Self.url, 401)])
        await #expect(throws: KSConnectError.auth(.unauthorizedAfterRefresh)) {
            try await service.api.unlock(lock, in: site)
        }
        #expect(service.requests.count == 2)
    }
}

extension KSConnectError {
    fileprivate var mayHaveOpened: Bool {
        if case .outcomeUnknown = self { true } else { false }
    }
}
