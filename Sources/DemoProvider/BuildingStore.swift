import FoundationEssentials

/// The state of the doors: who opened which, when, and who guessed too often.
actor BuildingStore {
    /// Something that happened at a door.
    struct Entry: Sendable {
        let id: String
        let site: String
        let lock: Building.Lock
        let person: DemoServer.Person?
        let detail: String
        let time: Date
    }

    /// So many wrong one-time passwords in a row block the person.
    private static let guessesMax = 3

    private let oneTimePassword: String
    private let doorOpenSeconds: Int
    private var entries: [Entry] = []
    private var openUntil: [String: Date] = [:]
    private var officeMode: Set<String> = []
    private var wrongGuesses: [String: Int] = [:]

    init(_ configuration: DemoServer.Configuration) {
        oneTimePassword = configuration.oneTimePassword
        doorOpenSeconds = configuration.doorOpenSeconds
        entries = Self.history(people: configuration.people, now: Date())
    }

    /// Some entries of the past days, so that the list has pages from the start.
    private static func history(people: [DemoServer.Person], now: Date) -> [Entry] {
        Building.all.enumerated().flatMap { index, site in
            (0..<8).map { step in
                let number = 10 + index * 8 + step
                return Entry(
                    id: "e0000000-0000-4000-8000-0000000000\(number)",
                    site: site.id, lock: site.locks[step % site.locks.count],
                    person: people.isEmpty ? nil : people[step % people.count],
                    detail: step % 4 == 3 ? "access_denied" : "unlocked_by_tag",
                    time: now.addingTimeInterval(Double(-3_600 * (8 - step))))
            }
        }
    }

    /// The site, where the person has a right to it.
    func site(_ id: String, for person: DemoServer.Person) throws(KSError) -> Building {
        guard let site = sites(of: person).first(where: { sameBytes($0.id, id) }) else {
            throw .notFound
        }
        return site
    }

    nonisolated func sites(of person: DemoServer.Person) -> [Building] {
        Building.all.filter { site in person.sites.contains { sameBytes($0, site.id) } }
    }

    func entries(of site: String, newestFirst: Bool) -> [Entry] {
        let found = entries.filter { sameBytes($0.site, site) }
        return newestFirst ? found.reversed() : found
    }

    /// The state of a lock as the API names it.
    func state(of lock: Building.Lock, now: Date) -> String {
        guard lock.isOnline else { return "uncertain" }
        if officeMode.contains(lock.id) { return "office_mode" }
        return openUntil[lock.id].map { now < $0 } ?? false ? "unlocked" : "locked"
    }

    /// Carries out a change of a lock's state, with the rules for one-time passwords.
    func change(
        _ lock: Building.Lock, of site: Building, to state: String, password: String?,
        by person: DemoServer.Person, now: Date
    ) throws(KSError) {
        guard ["locked", "unlocked", "office_mode"].contains(state) else { throw .badRequest }
        if site.hubs[lock.hub].asksForOneTimePassword {
            try judge(password, of: person)
        }
        guard lock.isOnline else { throw .lockOffline }
        let closing = now.addingTimeInterval(Double(doorOpenSeconds))
        openUntil[lock.id] = state == "unlocked" ? closing : nil
        if state == "office_mode" { officeMode.insert(lock.id) } else { officeMode.remove(lock.id) }
        let detail =
            switch state {
            case "unlocked": "unlocked_remotely"
            case "office_mode": "office_mode_started"
            default: "locked_remotely"
            }
        entries.append(
            Entry(
                id: UUID().uuidString.lowercased(), site: site.id, lock: lock, person: person,
                detail: detail, time: now))
    }

    private func judge(_ password: String?, of person: DemoServer.Person) throws(KSError) {
        guard let password, !password.isEmpty else { throw .otpMissing }
        guard wrongGuesses[person.subject, default: 0] < Self.guessesMax else { throw .otpBlocked }
        guard sameBytes(password, oneTimePassword) else {
            wrongGuesses[person.subject, default: 0] += 1
            throw .otpInvalid
        }
        wrongGuesses[person.subject] = nil
    }
}
