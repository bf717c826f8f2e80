import AuthModels
import Synchronization
import TokenVault

/// Where the passphrase comes from: a descriptor that was named, or else a person at a terminal.
/// Never an argument or a variable, which other programs can see.
final class PassphraseSource: Sendable {
    private let descriptor: Int32?
    /// What the descriptor gave, which can be read but once.
    private let lines = Mutex<[SecretBytes]?>(nil)

    private static let bytesMax = 4096
    private static let attempts = 3

    init(descriptor: Int32?) {
        self.descriptor = descriptor
    }

    /// - Returns: nil when nobody is there to ask.
    func answer(for purpose: PassphraseVault.Purpose) async throws(StoreError) -> SecretBytes? {
        if let descriptor { return try await line(of: descriptor, for: purpose) }
        guard TerminalQuestions.arePossible else { return nil }
        switch purpose {
        case .open:
            let line = await TerminalQuestions.secretLine("Passphrase of the token store: ")
            return line.map { SecretBytes($0.utf8) }
        case .make: return await newPassphrase()
        }
    }

    private func newPassphrase() async -> SecretBytes? {
        for _ in 0..<Self.attempts {
            guard
                let first = await TerminalQuestions.secretLine("New passphrase: "), !first.isEmpty,
                let second = await TerminalQuestions.secretLine("The same again: ")
            else { return nil }
            if first.utf8.elementsEqual(second.utf8) { return SecretBytes(first.utf8) }
            StandardError.write("These are two different ones.\n")
        }
        return nil
    }

    /// The first line is the passphrase. A second one, where there is one, is that of a new key.
    private func line(
        of descriptor: Int32, for purpose: PassphraseVault.Purpose
    ) async throws(StoreError) -> SecretBytes? {
        if lines.withLock({ $0 }) == nil {
            let read = await Self.lines(of: descriptor)
            lines.withLock { $0 = read }
        }
        let lines = lines.withLock { $0 } ?? []
        return purpose == .make && lines.count > 1 ? lines[1] : lines.first
    }

    /// Reads on a thread of its own: the other end may take its time.
    private static func lines(of descriptor: Int32) async -> [SecretBytes] {
        await withCheckedContinuation { continuation in
            let isStarted = DetachedThread.start {
                var bytes = (try? FileInput.readAll(descriptor, bytesMax: bytesMax)) ?? []
                continuation.resume(
                    returning: bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
                        .filter { !$0.isEmpty }.map { SecretBytes($0) })
                for index in bytes.indices { bytes[index] = 0 }
            }
            if !isStarted { continuation.resume(returning: []) }
        }
    }
}
