public import AuthModels
internal import CDesktop
internal import Glibc

/// Opens the person's browser: what `$BROWSER` names, else `xdg-open`; never through a shell.
///
/// `$BROWSER` is a list separated by colons. Each entry is words separated by spaces; `%s` stands
/// for the URL (without one it becomes the last word), `%c` for a colon, `%%` for a percent sign.
/// A program is an absolute path or is looked for in the absolute folders of `PATH`. It runs in a
/// session of its own with nothing of this process: no descriptors, no output, and none of the
/// `KSCONNECT_` variables, one of which may hold a client's secret.
public struct SystemBrowser: BrowserOpening {
    /// How long a program has to fail before it is believed to have opened the page.
    static let verdictTimeMax = Duration.seconds(2)

    private let environment: [String: String]

    /// - Parameter environment: that of the process.
    public init(environment: [String: String]) {
        self.environment = environment
    }

    /// The first program that would be tried; nil where none is found.
    public var program: String? {
        BrowserCommand.candidates(environment).lazy.compactMap { find($0.program) }.first
    }

    public func open(_ url: WebURL) async throws(BrowserUnavailable) {
        var attempts: [String] = []
        for command in BrowserCommand.candidates(environment) {
            guard let program = find(command.program) else {
                attempts.append("\(command.program): not found")
                continue
            }
            let child: DetachedProcess
            do {
                child = try DetachedProcess(
                    program, arguments: [command.program] + command.arguments(for: url),
                    environment: childEnvironment)
            } catch {
                attempts.append("\(command.program): could not be started (errno \(error.errno))")
                continue
            }
            guard let code = await child.exitCode(within: Self.verdictTimeMax), code != 0 else {
                return
            }
            attempts.append("\(command.program): ended with exit code \(code)")
        }
        let tried = attempts.isEmpty ? "no program is named" : attempts.joined(separator: "; ")
        throw BrowserUnavailable(reason: tried)
    }

    /// An absolute path of an executable file.
    private func find(_ program: String) -> String? {
        if program.utf8.contains(UInt8(ascii: "/")) {
            return program.utf8.first == UInt8(ascii: "/") && Self.isExecutable(program)
                ? program : nil
        }
        let folders = (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
        return folders.lazy.filter { $0.utf8.first == UInt8(ascii: "/") }
            .map { "\($0)/\(program)" }.first(where: Self.isExecutable)
    }

    private static func isExecutable(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            && access(path, X_OK) == 0
    }

    private var childEnvironment: [String: String] {
        environment.filter { !$0.key.hasPrefix("KSCONNECT_") }
    }
}

/// One entry of `$BROWSER`.
struct BrowserCommand: Equatable {
    let program: String
    private let words: [String]

    static func candidates(_ environment: [String: String]) -> [BrowserCommand] {
        let named = (environment["BROWSER"] ?? "").split(separator: ":").compactMap {
            BrowserCommand(String($0))
        }
        return named.isEmpty ? [BrowserCommand("xdg-open")].compactMap { $0 } : named
    }

    init?(_ entry: String) {
        let words = entry.split(separator: " ").map(String.init)
        guard let program = words.first else { return nil }
        self.program = Self.expand(program, url: "").text
        self.words = Array(words.dropFirst())
    }

    /// A URL of this kind always starts with `http`, so it is never taken for an option.
    func arguments(for url: WebURL) -> [String] {
        var isPlaced = false
        let arguments = words.map { word in
            let (text, placed) = Self.expand(word, url: url.rawValue)
            isPlaced = isPlaced || placed
            return text
        }
        return isPlaced ? arguments : arguments + [url.rawValue]
    }

    private static func expand(_ word: String, url: String) -> (text: String, placed: Bool) {
        var text = ""
        var placed = false
        var rest = word[...]
        while let first = rest.popFirst() {
            guard first == "%", let next = rest.first, "sc%".contains(next) else {
                text.append(first)
                continue
            }
            rest.removeFirst()
            switch next {
            case "s":
                text += url
                placed = true
            case "c": text += ":"
            default: text += "%"
            }
        }
        return (text, placed)
    }
}
