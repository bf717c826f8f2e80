import AuthModels
import KSConnect
import Testing

@Suite("Lists")
struct ListTests {
    private static let sites = "https://api.example/v1.2/sites"

    @Test("A list is read page by page, each page only when it is needed")
    func lazily() async throws {
        let second = "https://api.example/v1.2/sites?$skip=2"
        let service = try ScriptedService([
            .get(
                Self.sites,
                Fixture.page([Fixture.site(id: "a"), Fixture.site(id: "b")], next: second)),
            .get(second, Fixture.page([Fixture.site(id: "c")])),
        ])
        let list = service.api.sites
        #expect(service.requests.isEmpty)
        var names: [String] = []
        for try await site in list {
            names.append(site.name)
            #expect(service.requests.count == (names.count <= 2 ? 1 : 2))
        }
        #expect(names == ["a", "b", "c"])
        #expect(service.isSpent)
    }

    @Test("Whoever stops early causes no further request")
    func stopsEarly() async throws {
        let service = try ScriptedService([
            .get(Self.sites, Fixture.page([Fixture.site(id: "a")], next: Self.sites + "?$skip=1"))
        ])
        for try await _ in service.api.sites { break }
        #expect(service.requests.count == 1)
    }

    @Test(
        "A bare array is a list too, and so are an empty body, no items and a null link",
        arguments: [
            ("[\(Fixture.site)]", 1), ("[]", 0), ("", 0), ("{}", 0), (Fixture.page([]), 0),
            (#"{"items":null}"#, 0), (#"{"items":[{"id":"a"}],"next_page_link":""}"#, 1),
            (" \n[\(Fixture.site)]", 1),
        ])
    func shapes(_ body: String, _ count: Int) async throws {
        let service = try ScriptedService([.get(Self.sites, body)])
        #expect(try await service.api.sites.collect().count == count)
    }

    @Test("An empty page in the middle does not end a list")
    func emptyPage() async throws {
        let service = try ScriptedService([
            .get(Self.sites, Fixture.page([], next: Self.sites + "?p=2")),
            .get(Self.sites + "?p=2", Fixture.page([Fixture.site(id: "a")])),
        ])
        #expect(try await service.api.sites.collect().map(\.name) == ["a"])
    }

    @Test("A link may be a path on the API's host, and may hold a bare space")
    func linkForms() async throws {
        let service = try ScriptedService(
            base: "https://h.example/api",
            [
                .get(
                    "https://h.example/api/v1.2/sites",
                    Fixture.page([], next: "/api/v1.2/sites?$orderby=id desc")),
                .get("https://h.example/api/v1.2/sites?$orderby=id%20desc", "[]"),
            ])
        #expect(try await service.api.sites.collect().isEmpty)
        #expect(service.isSpent)
    }

    @Test(
        "Case 83: a link off the API's origin is refused and not followed",
        arguments: [
            "https://evil.example/v1.2/sites", "http://api.example/v1.2/sites",
            "https://api.example:8443/v1.2/sites", "//evil.example/",
            "https://api.example@evil.example/",
            "javascript:alert(1)", "sites?p=2",
        ])
    func foreignLink(_ link: String) async throws {
        let service = try ScriptedService([
            .get(Self.sites, Fixture.page([Fixture.site(id: "a")], next: link))
        ])
        var names: [String] = []
        do throws(KSConnectError) {
            for try await site in service.api.sites { names.append(site.name) }
            Issue.record("nothing was thrown")
        } catch {
            #expect(error == .auth(.originNotAllowed))
        }
        #expect(service.requests.count == 1)
    }

    @Test("Pages that lead back to themselves are an error, not a loop")
    func circle() async throws {
        let other = Self.sites + "?p=2"
        let service = try ScriptedService([
            .get(Self.sites, Fixture.page([], next: other)),
            .get(other, Fixture.page([], next: Self.sites)),
        ])
        do throws(KSConnectError) {
            _ = try await service.api.sites.collect()
            Issue.record("nothing was thrown")
        } catch {
            guard case .unreadable = error else { throw error }
        }
        #expect(service.requests.count == 2)
    }

    @Test("A list of more pages than anybody reads is an error, not a list that ends early")
    func tooManyPages() async throws {
        let max = KSList<Site>.pagesMax
        let service = try ScriptedService(
            (0..<max).map { page in
                .get(
                    Self.sites + (page == 0 ? "" : "?p=\(page)"),
                    Fixture.page([], next: Self.sites + "?p=\(page + 1)"))
            })
        await #expect(throws: KSConnectError.unreadable("a list has more than \(max) pages")) {
            try await service.api.sites.collect()
        }
        #expect(service.isSpent)
    }

    @Test("An item without an id is told by its place")
    func itemWithoutID() async throws {
        let service = try ScriptedService([
            .get(Self.sites, Fixture.page([Fixture.site, #"{"site_uid":"S"}"#]))
        ])
        do throws(KSConnectError) {
            _ = try await service.api.sites.collect()
            Issue.record("nothing was thrown")
        } catch {
            #expect(error == .unreadable("id is missing at /items/1"))
        }
    }

    @Test("Each iterator reads anew")
    func twice() async throws {
        let service = try ScriptedService([.get(Self.sites, "[]"), .get(Self.sites, "[]")])
        let list = service.api.sites
        _ = try await list.collect()
        _ = try await list.collect()
        #expect(service.isSpent)
    }
}
