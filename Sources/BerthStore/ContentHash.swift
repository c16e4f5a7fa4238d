// SHA-256 over bytes and streams, and the ids that OCI derives from it.
import BerthModel
import FoundationEssentials

import struct Crypto.SHA256

/// A running SHA-256.
package struct ContentHash: Sendable {
    private var hash = SHA256()
    package private(set) var byteCount: Int64 = 0
    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hash.update(bufferPointer: bytes)
        byteCount += Int64(bytes.count)
    }

    package func finishBytes() -> [UInt8] { Array(hash.finalize()) }
    package func finish() -> Digest { Digest(bytes: hash.finalize()) }

    package static func digest(of bytes: [UInt8]) -> Digest { Digest(bytes: SHA256.hash(data: bytes)) }

    /// The ChainID of a layer above a chain; nil: above nothing.
    package static func chain(_ diffID: Digest, above below: Digest?) -> Digest {
        below.map { digest(of: Array("\($0) \(diffID)".utf8)) } ?? diffID
    }

    /// ChainIDs of layers, base first: each names a layer together with everything below it.
    package static func chainIDs(of diffIDs: [Digest]) -> [Digest] {
        var chain: [Digest] = []
        for diffID in diffIDs {
            chain.append(self.chain(diffID, above: chain.last))
        }
        return chain
    }
}
