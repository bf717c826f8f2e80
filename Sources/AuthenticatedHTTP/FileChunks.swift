internal import AuthModels
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A file read from its start, chunk by chunk; closed with the last reference.
final class FileChunks: Sendable {
    static let chunkBytes = 64 << 10

    /// Bytes in all when it was opened; nil for what has no length (a pipe).
    let length: Int64?
    private let descriptor: Int32
    private let bytesRead = Mutex<Int64>(0)

    /// - Throws: `configInvalid` when it cannot be opened, or is a folder.
    init(path: String) throws(AuthError) {
        let fault = AuthError.configInvalid("the file of the request's body cannot be read")
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fault }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
            close(descriptor)
            throw fault
        }
        length = status.st_mode & S_IFMT == S_IFREG ? Int64(status.st_size) : nil
    }

    deinit { close(descriptor) }

    /// The next bytes, nil at the end. What is added to the file meanwhile is left out.
    ///
    /// - Throws: `configInvalid`, also where the file has become shorter than was announced.
    func next() throws(AuthError) -> [UInt8]? {
        let left = length.map { $0 - bytesRead.withLock { $0 } } ?? .max
        guard left > 0 else { return nil }
        let most = Int(min(left, Int64(Self.chunkBytes)))
        var count = -1
        let chunk = [UInt8](unsafeUninitializedCapacity: most) { buffer, used in
            repeat {
                count = read(descriptor, buffer.baseAddress, most)
            } while count < 0 && errno == EINTR
            used = max(count, 0)
        }
        guard count >= 0 else {
            throw .configInvalid("the file of the request's body cannot be read")
        }
        bytesRead.withLock { $0 += Int64(count) }
        guard count > 0 || length == nil else {
            throw .configInvalid("the file of the request's body became shorter while it was sent")
        }
        return chunk.isEmpty ? nil : chunk
    }
}
