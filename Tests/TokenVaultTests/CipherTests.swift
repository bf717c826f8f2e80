import AuthModels
import Crypto
import Foundation
import Testing

@testable import TokenVault

@Suite("The cipher")
struct CipherTests {
    private struct Vectors: Decodable {
        var numberOfTests: Int
        var testGroups: [Group]

        struct Group: Decodable {
            var tests: [Test]
        }

        struct Test: Decodable {
            var tcId: Int
            var key, iv, aad, msg, ct, tag, result: String
        }

        /// Project Wycheproof's, from the sources of swift-crypto that the package manager fetched.
        static func load() throws -> Vectors {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
            let file = root.appendingPathComponent(
                ".build/checkouts/swift-crypto/Tests/Test Vectors/aes_gcm_test.json")
            return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file))
        }
    }

    private func bytes(_ digits: String) throws -> [UInt8] {
        let digits = Array(digits)
        return try stride(from: 0, to: digits.count, by: 2).map {
            try made(UInt8(String(digits[$0...$0 + 1]), radix: 16))
        }
    }

    @Test("Case 99: AES-GCM gives what all 316 vectors of Project Wycheproof say")
    func wycheproof() throws {
        let vectors = try Vectors.load()
        var (count, refused) = (0, 0)
        for test in vectors.testGroups.flatMap(\.tests) {
            count += 1
            let key = SymmetricKey(data: try bytes(test.key))
            let (plain, aad) = (try bytes(test.msg), try bytes(test.aad))
            guard test.iv.utf8.count >= 24 else {
                // Nonces shorter than the 96 bits that this store uses cannot even be made.
                #expect(throws: (any Error).self) { try AES.GCM.Nonce(data: bytes(test.iv)) }
                refused += 1
                continue
            }
            let opened = try? AES.GCM.open(
                AES.GCM.SealedBox(
                    nonce: AES.GCM.Nonce(data: bytes(test.iv)), ciphertext: bytes(test.ct),
                    tag: bytes(test.tag)),
                using: key, authenticating: aad)
            guard test.result == "valid" else {
                #expect(opened == nil, "vector \(test.tcId)")
                continue
            }
            #expect(opened.map { Array($0) } == plain, "vector \(test.tcId)")
            let sealed = try AES.GCM.seal(
                plain, using: key, nonce: AES.GCM.Nonce(data: bytes(test.iv)), authenticating: aad)
            #expect(Array(sealed.ciphertext) == (try bytes(test.ct)), "vector \(test.tcId)")
            #expect(Array(sealed.tag) == (try bytes(test.tag)), "vector \(test.tcId)")
        }
        #expect(refused < count / 4)
        #expect(count == 316 && vectors.numberOfTests == 316)
    }

    @Test("Case 99: no two of 200,000 seals have the same nonce, and none of its bits stands still")
    func nonces() async throws {
        // A million take the better part of a minute in a debug build and show no more: nonces are
        // drawn anew each time, so nothing changes with their number.
        let count = 200_000
        let parts = 2
        let context = SealContext(try session())
        let key = try DataKey.random(id: KeyID(random: ()))
        let sealer = Sealer(key: key)
        let nonces = try await withThrowingTaskGroup(of: [UInt64].self) { group in
            for _ in 0..<parts {
                group.addTask {
                    let plain = [UInt8](repeating: 7, count: 16)
                    return try (0..<count / parts).map { _ in
                        let sealed = try plain.withUnsafeBytes { bytes throws(StoreError) in
                            try sealer.seal(bytes, .access, context)
                        }
                        // 64 of its 96 bits: all the stricter, and still less than one chance in 900 million.
                        return sealed.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(nonces.count == count)
        #expect(Set(nonces).count == count)
        // Each bit is set in about half of them: none is stuck, so none is spent on a counter.
        for bit in 0..<64 {
            let share = nonces.count { $0 >> UInt64(bit) & 1 == 1 }
            #expect((98_000...102_000).contains(share), "bit \(bit)")
        }
    }

    private func session() throws -> SessionRecord {
        OpenedSession(try sampleSession(), generation: Generation(1)).record
    }
}
