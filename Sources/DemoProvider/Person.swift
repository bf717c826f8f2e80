extension DemoServer {
    /// Someone who can sign in.
    public struct Person: Sendable {
        /// The subject identifier, never reassigned (OpenID Connect Core §2).
        public var subject: String
        /// The name typed on the login page.
        public var username: String
        /// The password typed on the login page.
        public var password: String
        /// First name.
        public var givenName: String
        /// Last name.
        public var familyName: String
        /// Electronic mail address.
        public var email: String
        /// The identifiers of the sites that the person may open.
        public var sites: [String]

        /// Describes someone who can sign in.
        public init(
            subject: String, username: String, password: String, givenName: String,
            familyName: String, email: String, sites: [String]
        ) {
            self.subject = subject
            self.username = username
            self.password = password
            self.givenName = givenName
            self.familyName = familyName
            self.email = email
            self.sites = sites
        }

        /// A sample person with two sites.
        public static let alice = Person(
            subject: "6f1c2c50-9a0e-4f0e-8a53-0c7a7f2a1d01", username: "alice",
            password: "walk-through-the-door", givenName: "Alice", familyName: "Adams",
            email: "alice@example.com", sites: [Building.harbour.id, Building.mill.id])

        /// A sample person with one site.
        public static let bob = Person(
            subject: "b7d2e9f4-3c1b-4d66-9d0f-5a2be0c4e902", username: "bob",
            password: "keys-left-at-home", givenName: "Bob", familyName: "Brown",
            email: "bob@example.com", sites: [Building.mill.id])
    }
}

/// Looks people up and judges their passwords.
struct PeopleRegistry: Sendable {
    let people: [DemoServer.Person]

    func person(subject: String) -> DemoServer.Person? {
        people.first { sameBytes($0.subject, subject) }
    }

    func person(username: String, password: String) -> DemoServer.Person? {
        people.first { person in
            let named = sameBytes(person.username, username) || sameBytes(person.email, username)
            return named && sameBytes(person.password, password)
        }
    }
}
