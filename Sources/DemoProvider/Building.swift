/// The sample sites that everyone's rights are about.
struct Building: Sendable {
    struct Hub: Sendable {
        let id: String
        let name: String
        let mac: String
        /// Its locks ask for a one-time password.
        let asksForOneTimePassword: Bool
    }

    struct Lock: Sendable {
        let id: String
        let name: String
        let hub: Int
        let type: String
        let mac: String
        let battery: String
        var isOnline = true
    }

    let id: String
    let uid: String
    let name: String
    let countryCode: String
    let hubs: [Hub]
    let locks: [Lock]

    /// Two hubs, five doors, one of them out of reach.
    static let harbour = Building(
        id: "0b9f6a52-7c54-4a1e-9f5e-2d8b6c1e4a10", uid: "HRB-0001", name: "Harbour Office",
        countryCode: "IS",
        hubs: [
            Hub(
                id: "a1d0c6f2-5b1e-4d9a-8a77-1f2e3d4c5b01", name: "Ground floor hub",
                mac: "00:00:5E:00:53:01", asksForOneTimePassword: false),
            Hub(
                id: "a1d0c6f2-5b1e-4d9a-8a77-1f2e3d4c5b02", name: "Vault hub",
                mac: "00:00:5E:00:53:02", asksForOneTimePassword: true),
        ],
        locks: [
            Lock(
                id: "c3e1a7d4-0001-4b2f-9c11-7e5d3a2b1c01", name: "Front door", hub: 0,
                type: "wall_reader", mac: "00:00:5E:00:53:11", battery: "fresh"),
            Lock(
                id: "c3e1a7d4-0002-4b2f-9c11-7e5d3a2b1c02", name: "Meeting room", hub: 0,
                type: "escutcheon", mac: "00:00:5E:00:53:12", battery: "good"),
            Lock(
                id: "c3e1a7d4-0003-4b2f-9c11-7e5d3a2b1c03", name: "Bicycle shed", hub: 0,
                type: "padlock", mac: "00:00:5E:00:53:13", battery: "low"),
            Lock(
                id: "c3e1a7d4-0004-4b2f-9c11-7e5d3a2b1c04", name: "Roof terrace", hub: 0,
                type: "cylinder", mac: "00:00:5E:00:53:14", battery: "flat", isOnline: false),
            Lock(
                id: "c3e1a7d4-0005-4b2f-9c11-7e5d3a2b1c05", name: "Vault", hub: 1,
                type: "wall_reader", mac: "00:00:5E:00:53:15", battery: "fresh"),
        ])

    /// One hub, two doors.
    static let mill = Building(
        id: "5d2c8e71-3f0a-4c6b-8e21-9a7b5c3d1f20", uid: "MIL-0002", name: "Old Mill",
        countryCode: "IS",
        hubs: [
            Hub(
                id: "a1d0c6f2-5b1e-4d9a-8a77-1f2e3d4c5b03", name: "Mill hub",
                mac: "00:00:5E:00:53:03", asksForOneTimePassword: false)
        ],
        locks: [
            Lock(
                id: "c3e1a7d4-0006-4b2f-9c11-7e5d3a2b1c06", name: "Mill gate", hub: 0,
                type: "wall_reader", mac: "00:00:5E:00:53:16", battery: "good"),
            Lock(
                id: "c3e1a7d4-0007-4b2f-9c11-7e5d3a2b1c07", name: "Workshop", hub: 0,
                type: "escutcheon", mac: "00:00:5E:00:53:17", battery: "good"),
        ])

    /// A zone on universal time all year, so that local times are plain to read.
    static let timeZone = "Atlantic/Reykjavik"

    static let all = [harbour, mill]
}
