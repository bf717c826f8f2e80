import AuthModels
import FoundationEssentials
import KSConnect
import Testing

@Suite("What the API's answers become")
struct ModelTests {
    private func decode<Value: Decodable>(_ text: String, as _: Value.Type) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    }

    @Test("A person has every field that was seen; unknown fields are passed over")
    func person() throws {
        let me = try decode(Fixture.me, as: Person.self)
        #expect(me.id == UserID("6f9f0d8e-6a0c-4b58-9d3b-0b1f8d0f6a01"))
        #expect(me.firstName == "Alice" && me.lastName == "Ng")
        #expect(me.phone == "+31201234567" && me.email == "alice@example.org")
        #expect(me.language == "nl-NL" && me.tagNumber == nil)
        #expect(me.imageURL == "https://img.example/a.png")
    }

    @Test("A site has every field that was seen")
    func site() throws {
        let site = try decode(Fixture.site, as: Site.self)
        #expect(site.id.rawValue == "2a63c0a4-5a0e-4f7c-8f43-0c6f0e6a7b10")
        #expect(site.siteUID == "S-0042" && site.name == "Canal House")
        #expect(site.timeZone == "Europe/Amsterdam" && site.countryCode == "NL")
        #expect(site.isPINEnabled == true && site.isSubscriptionValid == true)
        #expect(site.activeUserAmount == 12 && site.subscribedUserAmount == 10)
        #expect(site.activeIQAmount == 2)
        #expect(site.installationState == OpenText(rawValue: "completed"))
        #expect(site.storeEventsTTL?.duration == .seconds(90 * 86_400))
        #expect(site.owner?.email == "alice@example.org")
    }

    @Test("A lock has every field that was seen")
    func lock() throws {
        let lock = try decode(Fixture.lock, as: Lock.self)
        #expect(lock.name == "Front door" && lock.lockedState == .locked)
        #expect(lock.lockType?.rawValue == "escutcheon" && lock.isOnline == true)
        #expect(lock.iqLinkState?.rawValue == "linked" && lock.batteryLevel?.rawValue == "fresh")
        #expect(lock.hasLeftOpenAlarm == false && lock.hasIntrusionAlarm == false)
        #expect(lock.isInPrivacyMode == true && lock.communicationType?.rawValue == "ble")
        #expect(lock.mac == "00:11:22:33:44:55")
        #expect(lock.iq?.id == IQID("c7a1") && lock.iq?.isOnline == true)
        #expect(lock.asksForOneTimePassword)
    }

    @Test("An entry, a user and a hub have every field that was seen")
    func others() throws {
        let entry = try decode(Fixture.entry, as: Entry.self)
        #expect(entry.id == EntryID("e-1") && entry.eventCategory?.rawValue == "entry")
        #expect(entry.eventDetail?.rawValue == "unlocked_by_tag")
        #expect(entry.localTime?.rawValue == "2026-08-19T14:50:38")
        #expect(entry.lockID?.rawValue == "9d5be1f7-33a5-4a70-8f60-5a1d4f0d9e21")
        #expect(entry.lockName == "Front door" && entry.userFirstName == "Alice")
        #expect(entry.userLastName == "Ng" && entry.accessBy?.rawValue == "tag")
        #expect(entry.accessDetail == nil && entry.userID != nil)

        let user = try decode(Fixture.user, as: SiteUser.self)
        #expect(user.id == UserID("su-1") && user.user?.lastName == "Ng" && user.alias == "Al")
        #expect(user.roles?.map(\.rawValue) == ["site_owner", "janitor"])
        #expect(user.isBlocked == false && user.subscriptionState?.rawValue == "subscribed")
        #expect(user.expiresAt?.date == Instant("2026-12-31T23:00:00Z")?.date)

        let iq = try decode(Fixture.iq, as: IQ.self)
        #expect(iq.id == IQID("c7a1") && iq.customerReference == "Hall" && iq.isOnline == true)
        #expect(iq.state?.rawValue == "operational" && iq.isOTPEnabled == true)
        #expect(iq.revision == "2.4.1" && iq.timeZone == "Europe/Amsterdam")
        #expect(iq.mac == "00:11:22:33:44:66")
    }

    @Test("Missing fields, null and other types cost nothing but themselves")
    func tolerant() throws {
        let bare = try decode(#"{"id":"x"}"#, as: Lock.self)
        #expect(bare.lockedState == nil && bare.iq == nil && bare.name == "x")
        #expect(!bare.asksForOneTimePassword)
        let odd = try decode(
            """
            {"id":"x","customer_reference":null,"online":"yes","battery_level":3,"iq":[],
             "lock_type":{},"locked_state":"ajar"}
            """, as: Lock.self)
        #expect(odd.isOnline == nil && odd.iq == nil && odd.lockType == nil)
        #expect(odd.batteryLevel?.rawValue == "3")
        #expect(odd.lockedState == LockedState(rawValue: "ajar"))
        let site = try decode(#"{"id":"x","store_events_ttl":"for ever"}"#, as: Site.self)
        #expect(site.storeEventsTTL == nil)
        #expect(try decode("{}", as: Entry.self).time == nil)
        #expect(try decode("{}", as: SiteUser.self).user == nil)
    }

    @Test(
        "Members, values and nulls that nobody here knows survive, and are encoded as they came",
        arguments: [
            (Fixture.me, "me"), (Fixture.site, "site"), (Fixture.lock, "lock"),
            (Fixture.entry, "entry"), (Fixture.user, "user"), (Fixture.iq, "iq"),
        ])
    func survivors(_ fixture: String, _ kind: String) throws {
        let news = #","new_member":{"a":[1,-2.5,true,null,"\u00e9"],"b":9007199254740993}}"#
        let text = String(fixture.dropLast()) + news
        let received = try decode(text, as: [String: ServiceValue].self)
        func encoded<Model: KSObject>(_: Model.Type) throws -> [String: ServiceValue] {
            let model = try decode(text, as: Model.self)
            #expect(model.fields == received)
            #expect(try decode(text, as: Model.self) == model)
            return try JSONDecoder().decode(
                [String: ServiceValue].self, from: try JSONEncoder().encode(model))
        }
        let again =
            switch kind {
            case "me": try encoded(Person.self)
            case "site": try encoded(Site.self)
            case "lock": try encoded(Lock.self)
            case "entry": try encoded(Entry.self)
            case "user": try encoded(SiteUser.self)
            default: try encoded(IQ.self)
            }
        #expect(again == received)
        #expect(
            again["new_member"]
                == .object([
                    "a": .array([.integer(1), .number(-2.5), .bool(true), .null, .string("é")]),
                    "b": .integer(9_007_199_254_740_993),
                ]))
    }

    @Test("An unknown value survives decoding and encoding")
    func roundTrip() throws {
        let state = try decode(#""half_open""#, as: LockedState.self)
        #expect(String(decoding: try JSONEncoder().encode(state), as: UTF8.self) == #""half_open""#)
        let lock = try decode(Fixture.lock, as: Lock.self)
        #expect(try JSONDecoder().decode(Lock.self, from: JSONEncoder().encode(lock)) == lock)
        let entry = try decode(Fixture.entry, as: Entry.self)
        #expect(try JSONDecoder().decode(Entry.self, from: JSONEncoder().encode(entry)) == entry)
    }

    @Test(
        "An identifier that would change the URL is none",
        arguments: [
            "", ".", "..", "a/b", "a?b", "a#b", "a%2Fb", "a b", "é",
            String(repeating: "a", count: 129),
        ])
    func badIdentifier(_ text: String) {
        #expect(SiteID(text) == nil)
        #expect(LockID(text) == nil)
    }

    @Test(
        "Dates have 0 to 7 fraction digits, and an offset",
        arguments: [
            ("2026-08-19T12:50:38Z", 1_787_143_838.0), ("2026-08-19T12:50:38.5Z", 1_787_143_838.5),
            ("2026-08-19T12:50:38.1234567Z", 1_787_143_838.1234567),
            ("2026-08-19T12:50:38.12Z", 1_787_143_838.12),
            ("2026-08-19T12:50:38.123Z", 1_787_143_838.123),
            ("2026-08-19T12:50:38.1234Z", 1_787_143_838.1234),
            ("2026-08-19T12:50:38.12345Z", 1_787_143_838.12345),
            ("2026-08-19T12:50:38.123456Z", 1_787_143_838.123456),
            ("2026-08-19T14:50:38+02:00", 1_787_143_838.0),
            ("2026-08-19T07:20:38-05:30", 1_787_143_838.0), ("1970-01-01T00:00:00Z", 0.0),
            ("2024-02-29T23:59:59Z", 1_709_251_199.0), ("1969-12-31T23:59:59Z", -1.0),
            ("2000-03-01T00:00:00Z", 951_868_800.0),
        ])
    func instants(_ text: String, _ seconds: Double) throws {
        let instant = try #require(Instant(text))
        #expect(abs(instant.date.timeIntervalSince1970 - seconds) < 1e-5)
        #expect(instant.text == text)
    }

    @Test(
        "What is no point in time is none",
        arguments: [
            "", "2026-08-19", "2026-08-19T12:50:38", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z",
            "2026-08-19T24:00:00Z", "2026-08-19T12:60:00Z", "2026-08-19T12:50:38.Z",
            "2026-08-19T12:50:38.1234567890Z", "2026-08-19T12:50:38+25:00", "2026-08-19 12:50:38Z",
            "2026-08-19T12:50:38Zx", "٢٠٢٦-08-19T12:50:38Z",
        ])
    func noInstant(_ text: String) {
        #expect(Instant(text) == nil)
    }

    @Test(
        "Lengths of time come with days, without, negative and with fractions",
        arguments: [
            ("90.00:00:00", Duration.seconds(7_776_000)), ("00:05:00", .seconds(300)),
            ("1.02:03:04.5", .milliseconds(93_784_500)), ("-00:00:01", .seconds(-1)),
            ("00:00:00.0000001", .nanoseconds(100)),
            ("-90.00:00:00.5", .milliseconds(-7_776_000_500)),
        ])
    func spans(_ text: String, _ duration: Duration) throws {
        #expect(try #require(Span(text)).duration == duration)
    }

    @Test(
        "What is no length of time is none",
        arguments: [
            "", "90", "90.00:00", "24:00:00", "00:60:00", "00:00:60", "1.2.03:04:05", "x.00:00:00",
            "00:00:00.", "999999999.00:00:00",
        ])
    func noSpan(_ text: String) {
        #expect(Span(text) == nil)
    }
}
