import AuthModels
import Foundation
import Testing

@testable import Desktop

@Suite("The browser launcher")
struct SystemBrowserTests {
    private static let url = "https://identity.example/authorize?a=b&c=%2F$(touch%20x);x='y'"

    private func open(
        _ variables: [String: String], url: String = Self.url
    ) async -> BrowserUnavailable? {
        do throws(BrowserUnavailable) {
            guard let url = try? WebURL(url) else { return BrowserUnavailable(reason: "bad URL") }
            try await SystemBrowser(environment: variables).open(url)
            return nil
        } catch {
            return error
        }
    }

    @Test("Case 105: the URL reaches the program as one argument, and no shell reads it")
    func oneArgument() async throws {
        let folder = try TemporaryFolder()
        let script = try await folder.script(
            "browser", "printf '%s\\n' \"$@\" > '\(folder.path)/seen'")
        #expect(await open(["BROWSER": script]) == nil)
        #expect(folder.read("seen") == Self.url + "\n")
        #expect(await open(["BROWSER": "\(script) --new '%s' %% a%cb %x"]) == nil)
        #expect(folder.read("seen") == "--new\n'\(Self.url)'\n%\na:b\n%x\n")
        #expect(await open(["BROWSER": "\(script) ; $(id) |"]) == nil)
        #expect(folder.read("seen") == ";\n$(id)\n|\n\(Self.url)\n")
    }

    @Test("Case 105: entries that are missing or fail are passed over, in order")
    func fallback() async throws {
        let folder = try TemporaryFolder()
        let fails = try await folder.script("fails", "exit 3")
        let works = try await folder.script("works", "echo \"$1\" > '\(folder.path)/seen'")
        let killed = try await folder.script("killed", "kill -9 $$")
        #expect(
            await open(["BROWSER": "/nowhere/browser:\(fails)::\(killed):\(works)"]) == nil)
        #expect(folder.read("seen") == Self.url + "\n")
        let nothing = try #require(await open(["BROWSER": "/nowhere/browser:\(fails)"]))
        #expect(nothing.reason.contains("/nowhere/browser: not found"))
        #expect(nothing.reason.contains("\(fails): ended with exit code 3"))
        #expect(!nothing.reason.contains("identity.example"))
    }

    @Test("Case 105: without BROWSER it is xdg-open, from absolute folders of PATH only")
    func path() async throws {
        let folder = try TemporaryFolder()
        try await folder.script("xdg-open", "echo \"$0\" > '\(folder.path)/seen'")
        try await folder.shell("mkdir evil; printf '#!/bin/sh\\ntouch hijacked\\n' > evil/xdg-open")
        try await folder.shell("chmod 700 evil/xdg-open; mkdir -p dir/xdg-open; touch plain")
        let relative = await open(["PATH": "evil:.:"])
        #expect(relative?.reason.contains("xdg-open: not found") == true)
        #expect(await open(["PATH": "evil:\(folder.path)/dir:\(folder.path)"]) == nil)
        #expect(folder.read("seen") == "\(folder.path)/xdg-open\n")
        for entry in ["evil/xdg-open", "./xdg-open", "\(folder.path)/plain", "\(folder.path)/dir"] {
            #expect(await open(["BROWSER": entry]) != nil)
        }
    }

    @Test("Case 105: a program that runs on counts as open, and is left alone")
    func runsOn() async throws {
        let folder = try TemporaryFolder()
        let script = try await folder.script(
            "browser", "cd '\(folder.path)'; echo $$ > pid.new; mv pid.new pid; exec sleep 60")
        let task = Task { await open(["BROWSER": script]) }
        while folder.read("pid") == nil { try await Task.sleep(for: .milliseconds(5)) }
        let id = try #require(folder.read("pid").flatMap { Int32($0.filter(\.isNumber)) })
        // Its session is its own, so that Ctrl-C in the terminal does not close the browser.
        #expect(getsid(id) == id)
        task.cancel()
        #expect(await task.value == nil)
        #expect(kill(id, SIGKILL) == 0)
    }

    @Test("Case 105: Case 106: the program gets no descriptor, no output and no secret")
    func nothingInherited() async throws {
        let folder = try TemporaryFolder()
        let script = try await folder.script(
            "browser",
            """
            cd '\(folder.path)'
            env > environment
            ls -l /proc/$$/fd > descriptors
            """)
        // Held open without close-on-exec while the program starts.
        let pipe = Pipe()
        _ = fcntl(pipe.fileHandleForWriting.fileDescriptor, F_SETFD, 0)
        #expect(
            await open([
                "BROWSER": script, "KSCONNECT_CLIENT_SECRET": "canary", "DISPLAY": ":9",
                "PATH": "/usr/bin:/bin",
            ]) == nil)
        let environment = try #require(folder.read("environment"))
        #expect(environment.contains("DISPLAY=:9"))
        #expect(!environment.contains("canary"))
        let descriptors = try #require(folder.read("descriptors")).split(separator: "\n")
            .compactMap { $0.split(separator: " -> ").dropFirst().first }
        #expect(descriptors.filter { $0 == "/dev/null" }.count >= 2)
        // Beside them the shell holds its own script and what it redirects to.
        let others = descriptors.filter { $0 != "/dev/null" && !$0.hasPrefix(folder.path) }
        #expect(others.isEmpty)
        try pipe.fileHandleForWriting.close()
    }
}
