import FoundationEssentials
import Glibc

/// What the tour prints, in colour on a terminal that wants it.
struct TourScreen: Sendable {
    /// Whether a line can be written over, as a countdown does.
    let isTerminal: Bool
    private let isColoured: Bool

    private static let columnsMax = 100

    init() {
        let environment = ProcessInfo.processInfo.environment
        isTerminal = isatty(STDOUT_FILENO) == 1
        // https://no-color.org: set and not empty.
        let wantsColour = environment["NO_COLOR"]?.isEmpty ?? true
        isColoured = isTerminal && wantsColour && environment["TERM"] != "dumb"
    }

    private enum Colour: String {
        case bold = "1"
        case dim = "2"
        case green = "32"
        case red = "31"
        case title = "1;36"
        case prompt = "1;32"
        case stepMark = "1;33"
        case request = "36"
    }

    private func paint(_ text: String, _ colour: Colour) -> String {
        isColoured && !text.isEmpty ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// A scene's heading.
    func scene(_ title: String) {
        let rule = String(repeating: "─", count: max(0, 76 - title.count))
        StandardOutput.write("\n" + paint("── \(title) \(rule)", .title))
    }

    /// One of the flow's steps and what it is about.
    func step(_ number: Int, of count: Int, _ text: String) {
        StandardOutput.write("\n" + paint("Step \(number) of \(count)", .stepMark) + "  " + text)
    }

    /// Plain sentences.
    func say(_ text: String) {
        StandardOutput.write(text)
    }

    /// An address or another fact beside its name.
    func fact(_ name: String, _ value: String) {
        let padding = String(repeating: " ", count: max(1, 20 - name.count))
        StandardOutput.write("  \(name)\(padding)\(paint(value, .bold))")
    }

    /// A command as it is typed.
    func typed(_ command: String) {
        StandardOutput.write("\n" + paint("$ ", .prompt) + paint(command, .bold))
    }

    /// A line of a command's output.
    func output(_ line: String) {
        StandardOutput.write(line)
    }

    /// A line of a command's output, cut where it would not fit.
    func shortOutput(_ line: String) {
        output(line.count > Self.columnsMax ? line.prefix(Self.columnsMax - 1) + "…" : line)
    }

    /// What the provider saw.
    func requests(_ requests: [RecordedRequest]) {
        for request in requests {
            let lines = RequestLines(request)
            let isGood = request.status.hasPrefix("2") || request.status.hasPrefix("3")
            StandardOutput.write(
                paint("  │ ", .dim) + paint(lines.head, .request) + " "
                    + paint(lines.status, isGood ? .green : .red)
                    + paint(lines.authorization.isEmpty ? "" : "  \(lines.authorization)", .dim))
            for detail in lines.details {
                StandardOutput.write(paint("  │ \(detail)", .dim))
            }
        }
    }

    /// Seconds that pass before one's eyes on a terminal; one line elsewhere.
    func countDown(seconds: Int, _ text: (Int) -> String) async throws(TourFailure) {
        if !isTerminal { StandardOutput.write(text(seconds)) }
        for left in stride(from: seconds, to: 0, by: -1) {
            if isTerminal { StandardOutput.rewrite(paint(text(left), .dim)) }
            do {
                try await Task.sleep(for: .seconds(1))
            } catch {
                throw .interrupted
            }
        }
        if isTerminal { StandardOutput.rewrite("") }
    }

    /// Why the tour ends here, on stderr.
    func failure(_ failure: TourFailure) {
        StandardError.write("\nksconnect-demo: \(failure.message)")
        if let remedy = failure.remedy { StandardError.write(remedy) }
    }
}
