import AuthModels
import Desktop
import Foundation
import KSConnect
import Testing

/// The README's ten lines as the compiler sees them; not run, since they open a browser.
private func readmeSample(dataDirectory: String) async throws {
    let app = try KSConnectClient(
        storage: .desktop(directory: dataDirectory, promptAllowed: true),
        platform: .desktop(environment: ProcessInfo.processInfo.environment))
    let client = try ClientRegistration(clientID: "73e9cf0d-561a-11e9-9b32-000d3a46a880")
    try await app.signIn(client)
    for try await site in try await app.api().sites {
        for try await lock in site.locks {
            print(site.name, lock.name, lock.batteryLevel?.rawValue ?? "no battery")
        }
    }
    _ = try await app.signOut()
}

@Suite("The README's sample")
struct ReadmeSampleTests {
    @Test("It is what is compiled here, line by line")
    func isCompiled() throws {
        let here = URL(filePath: #filePath)
        let top = here.deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let readme = try String(contentsOf: top.appending(path: "README.md"), encoding: .utf8)
        let source = try String(contentsOf: here, encoding: .utf8)
        let parts = readme.components(separatedBy: "```swift\n")
        let block = try #require(parts.dropFirst().first?.components(separatedBy: "```").first)
        let compiled = source.split(separator: "\n").map(code)
        let lines = block.split(separator: "\n").map(code)
        let imports = lines.filter { $0.hasPrefix("import ") }
        #expect(imports.allSatisfy(compiled.contains))
        let body = lines.filter { !$0.hasPrefix("import ") }
        #expect(body.count > 5)
        let first = try #require(body.first.flatMap(compiled.firstIndex))
        #expect(compiled[first...].starts(with: body))
    }

    private func code(_ line: Substring) -> String {
        let uncommented = line.components(separatedBy: " //").first ?? ""
        return uncommented.trimmingCharacters(in: .whitespaces)
    }
}
