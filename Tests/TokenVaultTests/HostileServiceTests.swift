import AuthModels
import Foundation
import GRDB
import Testing

@testable import TokenVault

/// Children talk to a bus of their own, so that no other test notices.
@Suite("A Secret Service that misbehaves, is locked or comes back")
struct HostileServiceTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test(
        "Cases 88, 94: a broken service is told as what it is, in time, and nothing is sealed",
        arguments: [
            ("mute", "notAnswering"), ("dies", "unavailable"), ("wrong-types", "refused"),
            ("no-default", "refused"), ("forgetful", "refused"), ("stranger", "wrong"),
            ("slow", "notAnswering"),
        ])
    func broken(_ mode: String, _ expected: String) async throws {
        let bus = try PrivateBus()
        let service = try bus.misbehaving(mode)
        let (path, address) = (folder.data, bus.address)
        await #expect(processExitsWith: .success) {
            [path = path as String, address = address as String, expected = expected as String] in
            setenv("DBUS_SESSION_BUS_ADDRESS", address, 1)
            let store = SQLiteSessionStore(
                directory: path, vault: SecretServiceVault(promptAllowed: false))
            // The child's own clock: how long a loaded machine takes to start it is beside the point.
            let started = ContinuousClock.now
            do {
                try await store.prepareForSignIn()
                exit(3)
            } catch StoreError.key(let fault) {
                guard KeyState.fault(fault).name == expected else { exit(4) }
            }
            guard ContinuousClock.now - started < .seconds(10) else { exit(5) }
        }
        #expect(try await folder.raw().read { try KeyKeeper.Facts($0) }.current == nil)
        service.end()
    }

    @Test("Case 89: a real keyring that is locked is told as locked, and no key is made")
    func reallyLocked() async throws {
        let bus = try PrivateBus()
        let keyring = try bus.keyring(password: "right")
        try await child(bus, "sign in")
        try bus.lock()
        try await child(bus, "expect locked")
        keyring.end()
    }

    @Test("Case 89: after a start with a wrong password the key is locked and not missing")
    func wrongPassword() async throws {
        let bus = try PrivateBus()
        try bus.keyring(password: "right").end()
        let right = try bus.keyring(password: "right")
        try await child(bus, "sign in")
        right.end()
        let wrong = try bus.keyring(password: "wrong")
        try await child(bus, "expect locked")
        wrong.end()
    }

    @Test("Case 93: the key is found again after the daemon was restarted")
    func restarted() async throws {
        let bus = try PrivateBus()
        let first = try bus.keyring(password: "right")
        try await child(bus, "sign in")
        first.end()
        let second = try bus.keyring(password: "right")
        try await child(bus, "open")
        second.end()
    }

    @Test(
        "Case 91: with another, empty keyring the key is missing, and the message names who said so"
    )
    func otherKeyring() async throws {
        let (bus, other) = (try PrivateBus(), try PrivateBus())
        let (first, second) = (
            try bus.keyring(password: "right"), try other.keyring(password: "right")
        )
        try await child(bus, "sign in")
        try await child(other, "expect missing")
        try await child(bus, "open")
        first.end()
        second.end()
    }

    private func child(_ bus: PrivateBus, _ task: String) async throws {
        let (path, address) = (folder.data, bus.address)
        await #expect(processExitsWith: .success) {
            [path = path as String, address = address as String, task = task as String] in
            setenv("DBUS_SESSION_BUS_ADDRESS", address, 1)
            try await Self.perform(task, path)
        }
    }

    private static func perform(_ task: String, _ path: String) async throws {
        let store = SQLiteSessionStore(
            directory: path, vault: SecretServiceVault(promptAllowed: false))
        switch task {
        case "sign in": _ = try await store.signIn(try sampleSession())
        case "open":
            let opened = try await store.open(try name())
            guard opened?.tokens == (try sampleTokens("0")) else { exit(3) }
        case "expect locked":
            let before = try await store.connection.readIfPresent(KeyKeeper.Facts.init)
            try await expectLocked { _ = try await store.open(try name()) }
            try await expectLocked { try await store.prepareForSignIn() }
            guard try await store.keyState() == .fault(.locked) else { exit(4) }
            let after = try await store.connection.readIfPresent(KeyKeeper.Facts.init)
            guard before?.current == after?.current, after?.next == nil else { exit(5) }
        case "expect missing":
            do {
                _ = try await store.open(try name())
                exit(6)
            } catch StoreError.key(.missing(let provider)) {
                guard provider.hasPrefix("gnome-keyring") else { exit(7) }
            }
        default: exit(8)
        }
    }

    private static func expectLocked(_ body: () async throws -> Void) async throws {
        do {
            try await body()
            exit(9)
        } catch StoreError.key(.locked) {}
    }
}
