public import AuthModels
internal import CDesktop
internal import Glibc

/// Randomness from the kernel (getrandom(2)), with no other source to fall back to.
public struct KernelRandom: RandomSource {
    /// Fills the start of a buffer: the number of bytes written, or the negated errno.
    typealias SystemCall = @Sendable (UnsafeMutableRawBufferPointer) -> Int

    private let getrandom: SystemCall

    public init() {
        self.init { cdesktop_getrandom($0.baseAddress, $0.count) }
    }

    init(getrandom: @escaping SystemCall) {
        self.getrandom = getrandom
    }

    public func bytes(_ count: Int) throws(RandomnessUnavailable) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let written = bytes.withUnsafeMutableBytes { buffer in
                getrandom(UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]))
            }
            switch written {
            case 1...(count - filled): filled += written
            case -Int(EINTR): continue
            case ..<0: throw RandomnessUnavailable(errno: Int32(-written))
            default: throw RandomnessUnavailable(errno: EIO)
            }
        }
        return bytes
    }
}
