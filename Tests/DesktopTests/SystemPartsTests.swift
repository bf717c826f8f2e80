import AuthModels
import CDesktop
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Desktop

@Suite("The kernel's randomness")
struct KernelRandomTests {
    @Test("Case 22: ten thousand draws are all different")
    func unique() throws {
        var seen: Set<[UInt8]> = []
        for _ in 0..<10_000 { seen.insert(try KernelRandom().bytes(32)) }
        #expect(seen.count == 10_000)
        #expect(seen.allSatisfy { $0.count == 32 })
        #expect(try KernelRandom().bytes(0).isEmpty)
        #expect(try KernelRandom().bytes(1000).count == 1000)
    }

    @Test(
        "Case 22: without the kernel's generator there is no randomness, and no other source",
        arguments: [ENOSYS, EAGAIN, EFAULT])
    func fails(code: Int32) {
        let random = KernelRandom { _ in -Int(code) }
        #expect(throws: RandomnessUnavailable(errno: code)) { try random.bytes(32) }
    }

    @Test("Case 22: short and interrupted draws are continued to the last byte")
    func short() throws {
        let calls = Mutex<[Int]>([])
        let random = KernelRandom { buffer in
            let number = calls.withLock { calls in
                calls.append(buffer.count)
                return calls.count
            }
            if number == 2 { return -Int(EINTR) }
            let count = min(buffer.count, 5)
            for index in 0..<count { buffer[index] = UInt8(number) }
            return count
        }
        #expect(try random.bytes(12) == [1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 4, 4])
        #expect(calls.withLock { $0 } == [12, 7, 7, 2])
    }

    @Test("Case 22: a count that makes no sense is a failure, not bytes", arguments: [0, 33])
    func nonsense(count: Int) {
        let random = KernelRandom { _ in count }
        #expect(throws: RandomnessUnavailable(errno: EIO)) { try random.bytes(32) }
    }
}

@Suite("The system's clock")
struct SystemClockTests {
    @Test("reads the wall clock, the boot clock and the boot's identity")
    func reads() throws {
        let first = SystemClock().now()
        let uptime = try String(contentsOfFile: "/proc/uptime", encoding: .utf8)
        let seconds = try #require(uptime.split(separator: " ").first.flatMap { Double($0) })
        let second = SystemClock().now()
        #expect(abs(first.wall.timeIntervalSinceNow) < 60)
        #expect(first.sinceBoot.inSeconds <= seconds + 0.02)
        #expect(second.sinceBoot.inSeconds >= seconds - 0.02)
        let boot = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        #expect(boot.hasPrefix(first.bootID))
        #expect(first.bootID.utf8.count == 36)
        #expect(try #require(second.elapsed(since: first)) >= .zero)
    }

    @Test("a sleep ends with its task's cancellation")
    func cancelled() async {
        let task = Task { try await SystemClock().sleep(for: .seconds(300)) }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

@Suite("Process hardening")
struct ProcessHardeningTests {
    @Test("Case 106: no core dump, no tracing, and the peer's owner is still known")
    func noDumps() async {
        await #expect(processExitsWith: .success) {
            try #require(cdesktop_is_dumpable() == 1)
            try #require(ProcessHardening.apply())
            try #require(cdesktop_is_dumpable() == 0)
            var limit = rlimit()
            try #require(getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0)
            try #require(limit.rlim_cur == 0 && limit.rlim_max == 0)
            _ = try await WaitingSignIn().complete()
        }
    }

    @Test("Case 108: a closed pipe is an error of write and not the end of the process")
    func brokenPipe() async {
        await #expect(processExitsWith: .success) {
            ProcessHardening.ignoreBrokenPipes()
            var ends: [Int32] = [0, 0]
            try #require(pipe(&ends) == 0)
            close(ends[0])
            try #require(write(ends[1], "x", 1) == -1)
            try #require(errno == EPIPE)
        }
    }
}
