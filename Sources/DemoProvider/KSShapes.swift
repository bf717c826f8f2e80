import FoundationEssentials

/// The API's JSON for each thing, with the fields that have been seen at the real service.
enum KSShapes {
    static func me(_ person: DemoServer.Person) -> JSON {
        [
            "id": .string(person.subject), "first_name": .string(person.givenName),
            "last_name": .string(person.familyName), "phone": .null,
            "email": .string(person.email), "language": "en-GB", "tag_number": .null,
            "image_url": .null,
        ]
    }

    static func site(_ site: Building, people: [DemoServer.Person]) -> JSON {
        let users = people.filter { $0.sites.contains { sameBytes($0, site.id) } }
        return [
            "id": .string(site.id), "site_uid": .string(site.uid),
            "customer_reference": .string(site.name), "time_zone": .string(Building.timeZone),
            "country_code": .string(site.countryCode), "pin_enabled": false,
            "active_user_amount": .int(users.count), "subscribed_user_amount": .int(users.count),
            "active_iq_amount": .int(site.hubs.count), "subscription_valid": true,
            "installation_state": "completed", "store_events_ttl": "90.00:00:00",
            "owner": users.first.map(shortUser) ?? .null,
        ]
    }

    static func lock(_ lock: Building.Lock, of site: Building, state: String) -> JSON {
        let hub = site.hubs[lock.hub]
        return [
            "id": .string(lock.id), "customer_reference": .string(lock.name),
            "locked_state": .string(state), "lock_type": .string(lock.type),
            "online": .bool(lock.isOnline), "iq_link_state": lock.isOnline ? "linked" : "unknown",
            "battery_level": .string(lock.battery), "left_open_alarm": false,
            "intrusion_alarm": false, "privacy_mode": false, "communication_type": "ble",
            "mac": .string(lock.mac),
            "iq": [
                "id": .string(hub.id), "is_online": true,
                "otp_enabled": .bool(hub.asksForOneTimePassword),
            ],
        ]
    }

    static func hub(_ hub: Building.Hub) -> JSON {
        [
            "id": .string(hub.id), "customer_reference": .string(hub.name), "online": true,
            "state": "operational", "otp_enabled": .bool(hub.asksForOneTimePassword),
            "revision": "2.4.1", "time_zone": .string(Building.timeZone), "mac": .string(hub.mac),
        ]
    }

    static func user(_ person: DemoServer.Person, isOwner: Bool) -> JSON {
        [
            "user": shortUser(person), "roles": [isOwner ? "site_owner" : "site_user"],
            "alias": .null, "blocked": false, "subscription_state": "subscribed",
            "expires_at": .null,
        ]
    }

    static func entry(_ entry: BuildingStore.Entry) -> JSON {
        let utc = entry.time.formatted(.iso8601)
        return [
            "id": .string(entry.id), "event_category": "entry",
            "event_detail": .string(entry.detail), "utc_date_time": .string(utc),
            // The sample sites are on universal time; local times carry no offset.
            "local_date_time": .string(utc.replacing("Z", with: "")),
            "lock_id": .string(entry.lock.id),
            "lock_customer_reference": .string(entry.lock.name),
            "user_id": .text(entry.person?.subject),
            "user_first_name": .text(entry.person?.givenName),
            "user_last_name": .text(entry.person?.familyName),
            "access_by": entry.detail == "unlocked_by_tag" ? "tag" : "app", "access_detail": .null,
        ]
    }

    private static func shortUser(_ person: DemoServer.Person) -> JSON {
        [
            "id": .string(person.subject), "email": .string(person.email),
            "first_name": .string(person.givenName), "last_name": .string(person.familyName),
        ]
    }
}
