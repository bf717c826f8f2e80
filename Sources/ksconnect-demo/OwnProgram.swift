import FoundationEssentials

/// Where this program lies, and what lies beside it.
enum OwnProgram {
    /// The absolute path of the running program, links resolved.
    static func path() throws(TourFailure) -> String {
        do {
            return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        } catch {
            throw .noStage(reason: "this program does not find its own path: \(error)")
        }
    }

    static func sibling(of program: String, named name: String) -> String {
        let folder = program.lastIndex(of: "/").map { program[..<$0] } ?? "."
        return "\(folder)/\(name)"
    }
}
