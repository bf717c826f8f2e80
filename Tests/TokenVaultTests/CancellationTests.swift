import AuthModels
import Foundation
import Testing

@testable import TokenVault

@Suite("A keyring that is waited for no longer")
struct CancellationTests {
    /// A mute service would be waited for as long as the whole budget.
    @Test("A cancelled task is let go before the service's time is over, and is told so")
    func cancelled() async throws {
        let bus = try PrivateBus()
        let service = try bus.misbehaving("mute")
        let address = bus.address
        await #expect(processExitsWith: .success) { [address = address as String] in
            setenv("DBUS_SESSION_BUS_ADDRESS", address, 1)
            let vault = SecretServiceVault(promptAllowed: false)
            let store = try StoreID(random: ())
            let key = try KeyID(random: ())
            let waiting = Task { () async -> StoreError? in
                do throws(StoreError) {
                    _ = try await vault.load(key, of: store)
                    return nil
                } catch {
                    return error
                }
            }
            try await Task.sleep(for: .milliseconds(300))
            waiting.cancel()
            guard await waiting.value == .key(.cancelled) else { exit(3) }
            // Cancelled before it asks: the same, and nothing is asked.
            let late = Task { () async -> StoreError? in
                withUnsafeCurrentTask { $0?.cancel() }
                do throws(StoreError) {
                    _ = try await vault.load(key, of: store)
                    return nil
                } catch {
                    return error
                }
            }
            guard await late.value == .key(.cancelled) else { exit(4) }
        }
        service.end()
    }

    @Test("A thousand calls that are cancelled leave neither threads nor memory behind")
    func leaksNothing() async throws {
        let bus = try PrivateBus()
        let service = try bus.misbehaving("mute")
        let address = bus.address
        await #expect(processExitsWith: .success) { [address = address as String] in
            setenv("DBUS_SESSION_BUS_ADDRESS", address, 1)
            func threads() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count
            }
            let store = try StoreID(random: ())
            let key = try KeyID(random: ())
            for _ in 0..<40 {
                await withTaskGroup { group in
                    for _ in 0..<25 {
                        group.addTask {
                            let call = KeyringCall(operation: .load, store: store, key: key)
                            let reply = await call.run(mayPrompt: false, within: .seconds(60))
                            guard reply.fault == .cancelled else { exit(3) }
                        }
                    }
                    group.cancelAll()
                }
            }
            // The library gives its threads back when it notices.
            for _ in 0..<500 where try threads() > 40 {
                try await Task.sleep(for: .milliseconds(20))
            }
            guard try threads() <= 40 else { exit(4) }
        }
        service.end()
    }

    @Test("An answer that was received is kept although its task was cancelled meanwhile")
    func answerIsKept() async throws {
        let folder = try TestFolder()
        let store = folder.store()
        try await store.prepareForSignIn()
        let anew = folder.store()
        let signingIn = Task { () async throws -> OpenedSession in
            withUnsafeCurrentTask { $0?.cancel() }
            return try await anew.signIn(try sampleSession())
        }
        _ = try await signingIn.value
        #expect(try await store.open(try name())?.tokens == (try sampleTokens("0")))
    }
}
