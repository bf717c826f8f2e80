import AuthModels
import AuthenticatedHTTP
import Dispatch
import Glibc

/// The body of `api`: text, a file that is streamed, or what a pipe gives.
enum RequestBody {
    /// What a pipe gives up to here is kept, so that it can be sent again after a 401. More goes
    /// out as it comes, and once.
    private static let keptBytesMax = 1 << 20

    static func read(_ data: String?) throws -> APIBody {
        guard let data else { return .none }
        guard data == "-" || data.hasPrefix("@") else { return .bytes(Array(data.utf8)) }
        let path = data == "-" ? "-" : String(data.dropFirst())
        do throws(FileInput.Fault) {
            let pipe = try FileInput.Pipe(path)
            // Read anew each time it is sent, chunk by chunk.
            if path != "-", pipe.isFile { return .file(path: path) }
            let start = try pipe.read(upTo: keptBytesMax)
            guard start.count == keptBytesMax else { return .bytes(start) }
            return .stream(OneShotBody(PipeChunks(start: start, pipe: pipe)))
        } catch {
            throw CommandFailure.usage("the body cannot be read: \(path): \(error.reason)")
        }
    }
}

/// A pipe's bytes as they come, behind those that were read already.
private struct PipeChunks: AsyncSequence, Sendable {
    let start: [UInt8]
    let pipe: FileInput.Pipe

    struct AsyncIterator: AsyncIteratorProtocol {
        var start: [UInt8]?
        let pipe: FileInput.Pipe

        mutating func next() async throws -> [UInt8]? {
            defer { start = nil }
            if let start { return start }
            let pipe = pipe
            // Whoever writes may take long: none of the few threads of everything else waits.
            return try await withCheckedThrowingContinuation { continuation in
                DispatchQueue.global().async {
                    continuation.resume(
                        with: Result {
                            let chunk = try pipe.read(upTo: 64 << 10)
                            return chunk.isEmpty ? nil : chunk
                        })
                }
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(start: start, pipe: pipe) }
}

extension FileInput {
    /// Something to read once from its start; closed with the last reference, stdin aside.
    final class Pipe: Sendable {
        /// A regular file, and so one that can be read again.
        let isFile: Bool
        private let descriptor: Int32

        /// - Throws: ``Fault``, for a folder too.
        init(_ path: String) throws(Fault) {
            descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
            var status = stat()
            guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
                throw Fault(reason: String(cString: strerror(errno)))
            }
            isFile = status.st_mode & S_IFMT == S_IFREG
            if status.st_mode & S_IFMT == S_IFDIR {
                throw Fault(reason: String(cString: strerror(EISDIR)))
            }
        }

        deinit { if descriptor > STDIN_FILENO { close(descriptor) } }

        /// - Returns: fewer bytes only at the end.
        func read(upTo bytesMax: Int) throws(Fault) -> [UInt8] {
            var bytes: [UInt8] = []
            while bytes.count < bytesMax {
                var count = 0
                var fault: Int32 = 0
                bytes += [UInt8](unsafeUninitializedCapacity: bytesMax - bytes.count) {
                    free, used in
                    count = Glibc.read(descriptor, free.baseAddress, free.count)
                    fault = errno
                    used = Swift.max(count, 0)
                }
                if count < 0, fault != EINTR {
                    throw Fault(reason: String(cString: strerror(fault)))
                }
                if count == 0 { break }
            }
            return bytes
        }
    }
}
