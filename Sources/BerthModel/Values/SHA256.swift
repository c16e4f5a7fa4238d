// SHA-256 in plain Swift, for the few bytes that programs without a crypto library hash: a path, a secret's content.

/// FIPS 180-4. Content of images is hashed by swift-crypto; this is for small inputs.
package enum SHA256Digest {
    private static let k: [UInt32] = {
        // The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
        var primes: [UInt64] = []
        var candidate: UInt64 = 2
        while primes.count < 64 {
            if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
            candidate += 1
        }
        return primes.map { fraction(of: $0, root: 3) }
    }()

    private static let initial: [UInt32] = [2, 3, 5, 7, 11, 13, 17, 19].map { fraction(of: $0, root: 2) }

    /// The first 32 bits of the fraction of a root, by bisection over exact integers: root = value / 2^32.
    private static func fraction(of prime: UInt64, root: Int) -> UInt32 {
        var low: UInt64 = 0
        var high: UInt64 = 8 << 32
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if power(middle, root, exceeds: prime) { high = middle } else { low = middle }
        }
        return UInt32(truncatingIfNeeded: low)
    }

    /// value^root > prime · 2^(32·root), in 256-bit arithmetic by limbs.
    private static func power(_ value: UInt64, _ root: Int, exceeds prime: UInt64) -> Bool {
        var limbs: [UInt64] = [value & 0xffff_ffff, value >> 32]
        for _ in 1..<root {
            var product = [UInt64](repeating: 0, count: limbs.count + 2)
            for (i, a) in limbs.enumerated() {
                var carry: UInt64 = 0
                for (j, b) in [value & 0xffff_ffff, value >> 32].enumerated() {
                    let sum = product[i + j] + a * b + carry
                    product[i + j] = sum & 0xffff_ffff
                    carry = sum >> 32
                }
                product[i + 2] += carry
            }
            limbs = product
        }
        // limbs are base 2^32; the prime stands at limb `root`.
        let high = limbs.count > root ? limbs[root] + (limbs.count > root + 1 ? limbs[root + 1] << 32 : 0) : 0
        if high != prime { return high > prime }
        return limbs[..<root].contains { $0 != 0 }
    }

    package static func digest(of message: [UInt8]) -> Digest {
        var state = initial
        var padded = message
        padded.append(0x80)
        while padded.count % 64 != 56 { padded.append(0) }
        let bits = UInt64(message.count) * 8
        for shift in stride(from: 56, through: 0, by: -8) {
            padded.append(UInt8(truncatingIfNeeded: bits >> UInt64(shift)))
        }
        for block in stride(from: 0, to: padded.count, by: 64) { compress(&state, padded[block..<(block + 64)]) }
        return Digest(
            bytes: state.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * $0)) } })
    }

    package static func hex(of message: [UInt8]) -> String { digest(of: message).hex }

    private static func rotate(_ x: UInt32, _ n: UInt32) -> UInt32 { x >> n | x << (32 - n) }

    private static func compress(_ state: inout [UInt32], _ block: ArraySlice<UInt8>) {
        var w = [UInt32](repeating: 0, count: 64)
        for i in 0..<16 {
            let at = block.startIndex + 4 * i
            w[i] =
                UInt32(block[at]) << 24 | UInt32(block[at + 1]) << 16 | UInt32(block[at + 2]) << 8
                | UInt32(block[at + 3])
        }
        for i in 16..<64 {
            let s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3
            let s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10
            w[i] = w[i - 16] &+ s0 &+ w[i - 7] &+ s1
        }
        var v = state
        for i in 0..<64 {
            let s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)
            let choose = v[4] & v[5] ^ ~v[4] & v[6]
            let t1 = v[7] &+ s1 &+ choose &+ k[i] &+ w[i]
            let s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)
            let majority = v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2]
            let t2 = s0 &+ majority
            v = [t1 &+ t2, v[0], v[1], v[2], v[3] &+ t1, v[4], v[5], v[6]]
        }
        for i in 0..<8 { state[i] = state[i] &+ v[i] }
    }
}
