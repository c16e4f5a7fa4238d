// The key of a step in the cache: a digest over everything that decides what it makes.
import BerthModel
import BerthStore

/// Parts are added with their names and lengths, so that no two lists of parts read the same.
struct StepKey {
    private var bytes: [UInt8] = []

    /// Raised when what a step makes changes with the program.
    private static let version = 1

    init(_ kind: String) {
        add("version", "\(StepKey.version)")
        add("kind", kind)
    }

    mutating func add(_ name: String, _ value: String) { add(name, Array(value.utf8)) }
    mutating func add(_ name: String, _ value: Digest?) { add(name, value.map { "\($0)" } ?? "") }
    mutating func add(_ name: String, _ values: [String]) {
        add(name, "\(values.count)")
        for value in values { add("", value) }
    }

    private mutating func add(_ name: String, _ value: [UInt8]) {
        bytes += Array("\(name.utf8.count):\(name)\(value.count):".utf8)
        bytes += value
    }

    var digest: Digest { ContentHash.digest(of: bytes) }
}
