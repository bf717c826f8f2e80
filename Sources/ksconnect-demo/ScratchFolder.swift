import FoundationEssentials
import Glibc

/// A folder that belongs to one run of the tour.
struct ScratchFolder: Sendable {
    private let root: String

    /// Makes it, readable for its owner alone.
    init() throws(TourFailure) {
        let parent = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        // $BROWSER gives these characters a meaning.
        let isPlain = !parent.utf8.contains { " :%".utf8.contains($0) }
        var template = Array("\(isPlain ? parent : "/tmp")/ksconnect-tour.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw .noStage(reason: "no folder can be made in \(parent)")
        }
        root = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    func path(_ name: String) -> String {
        name.isEmpty ? root : "\(root)/\(name)"
    }

    func emptyFile(_ name: String) throws(TourFailure) -> String {
        guard FileManager.default.createFile(atPath: path(name), contents: Data()) else {
            throw .noStage(reason: "\(path(name)) cannot be written")
        }
        return path(name)
    }

    func link(_ name: String, to target: String) throws(TourFailure) -> String {
        guard symlink(target, path(name)) == 0 else {
            throw .noStage(reason: "\(path(name)) cannot be made")
        }
        return path(name)
    }

    /// A file's text; nil where there is none.
    func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: path(name)).map {
            String(decoding: $0, as: UTF8.self)
        }
    }

    func remove() {
        try? FileManager.default.removeItem(atPath: root)
    }
}
