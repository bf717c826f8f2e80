import FoundationEssentials
import Synchronization

/// The provider's own request log, read bit by bit while the story goes on.
///
/// The provider writes a request's line before it answers, so that whoever has the answer finds the
/// line. The log holds no secret: the provider cuts them.
final class RequestJournal: Sendable {
    let path: String
    private let linesRead = Mutex(0)

    init(path: String) {
        self.path = path
    }

    /// What has come since the last call, favicons and the like left out.
    func news() -> [RecordedRequest] {
        let text = FileManager.default.contents(atPath: path) ?? Data()
        let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
        return linesRead.withLock { count in
            defer { count = lines.count }
            return lines.dropFirst(count).compactMap { RecordedRequest(line: String($0)) }
                .filter(\.belongsToTheFlow)
        }
    }
}
