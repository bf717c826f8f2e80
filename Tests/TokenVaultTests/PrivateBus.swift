import Foundation
import Testing

/// A session bus of a test's own, with a Secret Service that the test starts. Both end with it.
final class PrivateBus: Sendable {
    let address: String
    private let folder: TestFolder
    private let daemon: Process
    private static let tests = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Keyring").path

    init() throws {
        folder = try TestFolder()
        for name in ["home", "run", "data", "config", "cache"] {
            mkdir(folder.path + "/" + name, 0o700)
        }
        daemon = Process()
        daemon.executableURL = URL(fileURLWithPath: "/usr/bin/dbus-daemon")
        daemon.arguments = [
            "--config-file=\(Self.tests)/bus.conf", "--nofork", "--nopidfile", "--print-address=1",
        ]
        daemon.standardError = FileHandle.nullDevice
        let output = Pipe()
        daemon.standardOutput = output
        try daemon.run()
        address = try made(output.firstLine())
    }

    deinit { daemon.end() }

    private var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        for name in ["DISPLAY", "WAYLAND_DISPLAY", "GNOME_KEYRING_CONTROL"] {
            environment[name] = nil
        }
        environment["DBUS_SESSION_BUS_ADDRESS"] = address
        environment["HOME"] = folder.path + "/home"
        environment["XDG_RUNTIME_DIR"] = folder.path + "/run"
        environment["XDG_DATA_HOME"] = folder.path + "/data"
        environment["XDG_CONFIG_HOME"] = folder.path + "/config"
        environment["XDG_CACHE_HOME"] = folder.path + "/cache"
        return environment
    }

    /// A service that misbehaves; see the modes in the script.
    func misbehaving(_ mode: String) throws -> Service {
        let process = Process()
        // The system's own Python has the bindings that the script needs.
        process.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
        process.arguments = [Self.tests + "/fake_secrets.py", mode]
        process.environment = environment
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        guard output.firstLine() == "ready" else { throw NotStarted(what: "fake_secrets.py") }
        return Service(process)
    }

    /// The real gnome-keyring over this bus's own folders.
    func keyring(password: String) throws -> Service {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/gnome-keyring-daemon")
        process.arguments = ["--foreground", "--unlock", "--components=secrets"]
        process.environment = environment
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let input = Pipe()
        process.standardInput = input
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(password.utf8))
        try input.fileHandleForWriting.close()
        let service = Service(process)
        for _ in 0..<250 {
            if try call(
                "org.freedesktop.DBus", "/org/freedesktop/DBus",
                "org.freedesktop.DBus.GetNameOwner", "string:org.freedesktop.secrets")
            {
                return service
            }
            usleep(20_000)
        }
        throw NotStarted(what: "gnome-keyring-daemon")
    }

    func lock() throws {
        let isDone = try call(
            "org.freedesktop.secrets", "/org/freedesktop/secrets",
            "org.freedesktop.Secret.Service.Lock",
            "array:objpath:/org/freedesktop/secrets/collection/login")
        guard isDone else { throw NotStarted(what: "Lock") }
    }

    /// - Returns: whether the call was answered without an error.
    private func call(_ name: String, _ path: String, _ arguments: String...) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/dbus-send")
        process.arguments = ["--session", "--print-reply", "--dest=" + name, path] + arguments
        process.environment = environment
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    struct NotStarted: Error {
        var what: String
    }

    /// A service's process; it ends with the last reference.
    final class Service: Sendable {
        private let process: Process
        init(_ process: Process) { self.process = process }
        deinit { end() }
        func end() { process.end() }
    }
}

extension Process {
    fileprivate func end() {
        guard isRunning else { return }
        kill(processIdentifier, SIGKILL)
        waitUntilExit()
    }
}

extension Pipe {
    /// Up to the first line break, or nil when the other side ended before one.
    fileprivate func firstLine() -> String? {
        var line = Data()
        while let byte = try? fileHandleForReading.read(upToCount: 1), !byte.isEmpty {
            if byte == Data("\n".utf8) { return String(decoding: line, as: UTF8.self) }
            line += byte
        }
        return nil
    }
}
