import Foundation
import Testing

/// A folder that is gone with the test.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/desktop-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func read(_ name: String) -> String? {
        FileManager.default.contents(atPath: "\(path)/\(name)").map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    /// An executable shell script. A child writes it: a copy of a descriptor open for writing, in a
    /// process that a test beside this one is just starting, would make it busy (ETXTBSY).
    @discardableResult
    func script(_ name: String, _ body: String) async throws -> String {
        try body.write(toFile: "\(path)/body", atomically: true, encoding: .utf8)
        try await shell("{ echo '#!/bin/sh'; cat body; } > \(name); chmod 700 \(name); rm body")
        return "\(path)/\(name)"
    }

    /// Runs commands in the folder and gives what they print.
    @discardableResult
    func shell(_ commands: String) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-e", "-c", commands]
        process.currentDirectoryURL = URL(fileURLWithPath: path)
        process.standardError = FileHandle.nullDevice
        let output = "\(path)/output-\(UUID().uuidString)"
        try #require(FileManager.default.createFile(atPath: output, contents: nil))
        process.standardOutput = FileHandle(forWritingAtPath: output)
        let status = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        try #require(status == 0, "\(commands)")
        let printed = FileManager.default.contents(atPath: output) ?? Data()
        return String(decoding: printed, as: UTF8.self)
    }
}
