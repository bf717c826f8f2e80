internal import Glibc

/// Reads files of `/proc`, whose size is unknown before they are read.
enum SmallFile {
    /// - Returns: at most the first `bytesMax` bytes; nil when the file cannot be read.
    static func read(_ path: String, bytesMax: Int) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count == 0 { return content }
            if count < 0 {
                guard errno == EINTR else { return nil }
                continue
            }
            content.append(contentsOf: chunk[..<min(count, bytesMax - content.count)])
            if content.count == bytesMax { return content }
        }
    }
}
