internal import AuthModels
internal import CLibsecret
internal import Synchronization

/// One question to the Secret Service, asked on a thread of its own.
struct KeyringCall: Sendable {
    enum Operation: Sendable {
        case load
        case store(SecretBytes)
        case delete
        case probe
    }

    var operation: Operation
    var store: StoreID?
    var key: KeyID?

    /// Suspends until the answer, the end of the time or of the task; no thread of the cooperative
    /// pool waits.
    func run(mayPrompt: Bool, within budget: Duration) async -> KeyringReply {
        let milliseconds = Int32(clamping: Int64(max(budget, .zero).inSeconds * 1000))
        let handle = Handle()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waiter = Unmanaged.passRetained(Waiter(continuation)).toOpaque()
                let call = start(mayPrompt: mayPrompt, milliseconds: milliseconds, waiter: waiter)
                handle.keep(call)
            }
        } onCancel: {
            handle.cancel()
        }
    }

    private func start(
        mayPrompt: Bool, milliseconds: Int32, waiter: UnsafeMutableRawPointer
    ) -> OpaquePointer? {
        let (code, line) =
            switch operation {
            case .load: (KSC_LOAD, SecretBytes([]))
            case .store(let line): (KSC_STORE, line)
            case .delete: (KSC_DELETE, SecretBytes([]))
            case .probe: (KSC_PROBE, SecretBytes([]))
            }
        return line.withBytes { bytes in
            ksc_keyring_start(
                code, store?.rawValue ?? "", key?.rawValue ?? "", "KS Connect data key",
                bytes.bindMemory(to: CChar.self).baseAddress, bytes.count, mayPrompt, milliseconds,
                { context, result in
                    guard let context, let result else { return }
                    let waiter = Unmanaged<Waiter>.fromOpaque(context).takeRetainedValue()
                    var reply = KeyringReply(result.pointee)
                    reply.took = .now - waiter.started
                    waiter.continuation.resume(returning: reply)
                }, waiter)
        }
    }

    /// The C side's handle, which a cancelled task may use before it is there and after the answer.
    private final class Handle: Sendable {
        private struct State {
            /// An `OpaquePointer`'s bits; a pointer itself is not `Sendable`.
            var call: UInt?
            var isCancelled = false
        }

        private let state = Mutex(State())

        deinit {
            guard let call = state.withLock({ $0.call }) else { return }
            ksc_keyring_release(.init(bitPattern: call))
        }

        func keep(_ call: OpaquePointer?) {
            state.withLock { state in
                state.call = call.map { UInt(bitPattern: $0) }
                if state.isCancelled { ksc_keyring_cancel(call) }
            }
        }

        func cancel() {
            state.withLock { state in
                state.isCancelled = true
                if let call = state.call { ksc_keyring_cancel(.init(bitPattern: call)) }
            }
        }
    }

    /// The C side calls back exactly once, so the continuation is resumed exactly once.
    private final class Waiter: Sendable {
        let continuation: CheckedContinuation<KeyringReply, Never>
        let started = ContinuousClock.now
        init(_ continuation: CheckedContinuation<KeyringReply, Never>) {
            self.continuation = continuation
        }
    }
}

/// What the Secret Service said.
struct KeyringReply: Sendable {
    /// Nil when it did what was asked.
    var fault: KeyFault?
    var secret: SecretBytes?
    /// The name of the process that answers.
    var provider: String
    /// From the question to the answer; not to the moment when a busy process takes note of it.
    var took: Duration = .zero

    /// For a service that has used up its time already.
    static let notAnswering = KeyringReply(
        ksc_result(
            status: KSC_TIMED_OUT, secret: nil, secret_length: 0, provider: nil, detail: nil))

    init(_ result: ksc_result) {
        provider = result.provider.map { String(cString: $0) } ?? "an unnamed Secret Service"
        let detail = result.detail.map { String(cString: $0).forPeople } ?? "no reason given"
        if let text = result.secret {
            secret = SecretBytes(
                UnsafeRawBufferPointer(start: text, count: result.secret_length))
        }
        switch result.status {
        case KSC_OK: fault = nil
        case KSC_NO_BUS: fault = .unavailable(detail)
        case KSC_NO_SERVICE:
            fault = .unavailable("no Secret Service answers on the bus (\(detail))")
        case KSC_MISSING: fault = .missing(provider)
        case KSC_LOCKED: fault = .locked
        case KSC_DISMISSED: fault = .dismissed
        case KSC_TIMED_OUT: fault = .notAnswering
        case KSC_CANCELLED: fault = .cancelled
        case KSC_NO_RESOURCES: fault = .unavailable("no thread or memory to ask with")
        default: fault = .refused(detail)
        }
    }
}

extension String {
    /// Text of another program, cut and without control characters.
    var forPeople: String {
        var text = ""
        for scalar in unicodeScalars.prefix(200) {
            text.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar)
        }
        return text
    }
}
