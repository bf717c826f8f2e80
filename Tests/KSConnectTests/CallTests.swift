import AuthModels
import FoundationEssentials
import HTTPTypes
import KSConnect
import Testing

@Suite("Calls")
struct CallTests {
    private let site: SiteID
    private let lock: LockID
    private static let base = "https://api.example"

    init() throws {
        site = try #require(SiteID("s-1"))
        lock = try #require(LockID("l-1"))
    }

    @Test("Each call asks the address that the service knows")
    func addresses() async throws {
        let s = Self.base + "/v1.2/sites/s-1"
        let service = try ScriptedService([
            .get(Self.base + "/v1.2/me", Fixture.me), .get(s, Fixture.site),
            .get(s + "/locks", Fixture.page([Fixture.lock])), .get(s + "/locks/l-1", Fixture.lock),
            .get(
                Self.base + "/v1.1/sites/s-1/entries?$top=20&$orderby=utc_date_time%20desc",
                Fixture.page([Fixture.entry])),
            .get(s + "/users", Fixture.page([Fixture.user])),
            .get(s + "/iqs", Fixture.page([Fixture.iq])),
        ])
        let api = service.api
        #expect(try await api.me().firstName == "Alice")
        #expect(try await api.site(site).name == "Canal House")
        #expect(try await api.locks(in: site).collect().map(\.name) == ["Front door"])
        #expect(try await api.lock(lock, in: site).lockedState == .locked)
        #expect(try await api.entries(in: site).collect().count == 1)
        #expect(try await api.users(in: site).collect().count == 1)
        #expect(try await api.iqs(in: site).collect().count == 1)
        #expect(service.isSpent)
        #expect(
            service.requests.allSatisfy { $0.request.headerFields[.accept] == "application/json" })
    }

    @Test("A site and a lock know where they came from, and can be asked for more")
    func handles() async throws {
        let s = Self.base + "/v1.2/sites/s-1"
        let service = try ScriptedService([
            .get(Self.base + "/v1.2/sites", Fixture.page([Fixture.site(id: "s-1")])),
            .get(s + "/locks", Fixture.page([#"{"id":"l-1"}"#], next: s + "/locks?p=2")),
            .get(s + "/locks?p=2", Fixture.page([#"{"id":"l-2"}"#])),
            .patch(s + "/locks/l-2/locking", 204),
            .get(s + "/locks/l-1", #"{"id":"l-1"}"#), .patch(s + "/locks/l-1/locking", 204),
            .get(s + "/users", "[]"), .get(s + "/iqs", "[]"),
            .get(
                Self.base + "/v1.1/sites/s-1/entries?$top=20&$orderby=utc_date_time%20desc", "[]"),
        ])
        for try await site in service.api.sites {
            let locks = try await site.locks.collect()
            try await locks[1].unlock()
            try await service.api.lock(lock, in: site.id).unlock()
            #expect(try await site.users.collect().isEmpty)
            #expect(try await site.iqs.collect().isEmpty)
            #expect(try await site.entries.collect().isEmpty)
        }
        #expect(service.isSpent)
    }

    @Test("A site and a lock that no API gave say so, and ask nothing")
    func kept() async throws {
        let site = try JSONDecoder().decode(Site.self, from: Data(Fixture.site.utf8))
        await #expect(throws: KSConnectError.self) { try await site.locks.collect() }
        let lock = try JSONDecoder().decode(Lock.self, from: Data(Fixture.lock.utf8))
        await #expect(throws: KSConnectError.self) { try await lock.unlock() }
    }

    @Test(
        "The number of entries that is asked for stays within 1 to 100",
        arguments: [
            (-5, 1), (0, 1), (50, 50), (1000, 100),
        ])
    func top(_ asked: Int, _ sent: Int) async throws {
        let service = try ScriptedService([
            .get(
                Self.base + "/v1.1/sites/s-1/entries?$top=\(sent)&$orderby=utc_date_time%20desc",
                "[]")
        ])
        _ = try await service.api.entries(in: site, top: asked).collect()
        #expect(service.isSpent)
    }

    @Test("An error of v1 carries its code and message")
    func versionOneError() async throws {
        let service = try ScriptedService([
            .get(
                Self.base + "/v1.2/me", #"{"ErrorCode":1404,"Message":"no such\u001b thing"}"#,
                status: 404)
        ])
        await #expect(
            throws: KSConnectError.service(
                ServiceFault(status: 404, code: 1404, message: #"no such\u{1B} thing"#))
        ) { try await service.api.me() }
    }

    @Test("Problem details carry their type, and detail before title")
    func problemDetails() async throws {
        let service = try ScriptedService([
            .get(
                Self.base + "/v1.2/me",
                """
                {"type":"https://api.example/problems/x","title":"T","status":409,"detail":"D",
                 "instance":"/x"}
                """, status: 409),
            .get(Self.base + "/v1.2/me", #"{"title":"T"}"#, status: 409),
        ])
        await #expect(
            throws: KSConnectError.service(
                ServiceFault(status: 409, message: "D", type: "https://api.example/problems/x"))
        ) { try await service.api.me() }
        await #expect(
            throws: KSConnectError.service(ServiceFault(status: 409, message: "T"))
        ) { try await service.api.me() }
    }

    @Test(
        "An error without a readable body still has its status",
        arguments: [
            "", "<html>", "[]", #"{"ErrorCode":"x","Message":7}"#,
        ])
    func bareError(_ body: String) async throws {
        let service = try ScriptedService([.get(Self.base + "/v1.2/me", body, status: 405)])
        await #expect(throws: KSConnectError.service(ServiceFault(status: 405))) {
            try await service.api.me()
        }
    }

    @Test(
        "A success that is not of the known shape is unreadable, without its content",
        arguments: [
            "", "<html>secret</html>", "[]", "7",
        ])
    func unreadable(_ body: String) async throws {
        let service = try ScriptedService([.get(Self.base + "/v1.2/me", body)])
        do throws(KSConnectError) {
            _ = try await service.api.me()
            Issue.record("nothing was thrown")
        } catch {
            guard case .unreadable(let text) = error else { throw error }
            #expect(!text.contains("secret"))
        }
    }

    @Test("A status that the service does not use for success is none", arguments: [203, 206, 304])
    func otherStatuses(_ status: Int) async throws {
        let service = try ScriptedService([
            .get(Self.base + "/v1.2/me", Fixture.me, status: status)
        ])
        await #expect(throws: KSConnectError.self) { try await service.api.me() }
    }
}
