/// Tells moduli whose factors can be found: those of the generator in CVE-2017-15361 are powers of
/// 65537 modulo every small prime, which a random modulus is for all of these primes once in 2^27.
enum WeakModulus {
    private static let primes: [UInt32] = [
        11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
    ]

    static func isPredictable(_ modulus: [UInt8]) -> Bool {
        primes.allSatisfy { prime in
            let remainder = modulus.reduce(0) { ($0 << 8 | UInt32($1)) % prime }
            var power: UInt32 = 1
            for _ in 0..<prime {
                if power == remainder { return true }
                power = power * (65_537 % prime) % prime
            }
            return false
        }
    }
}
