// The directory that is looked at, as a listing and a reader; and the bounds of looking.

/// What a look may see of the world. The command line reads the disk; tests keep files in memory.
package protocol ProjectSource {
    /// What lies in a directory, `""` being the project's own; what cannot be listed is empty.
    func entries(of directory: String) -> [ProjectEntry]
    /// The bytes of a regular file; nil where it cannot be read, or holds more than `limit`.
    func read(_ path: String, limit: Int) -> [UInt8]?
}

package struct ProjectEntry: Sendable, Equatable {
    /// Links, devices and sockets are other: they are not followed, opened or read.
    package enum Kind: Sendable { case file, directory, other }

    package var name: String
    package var kind: Kind
    package var sizeBytes: Int

    package init(_ name: String, _ kind: Kind, sizeBytes: Int = 0) {
        self.name = name
        self.kind = kind
        self.sizeBytes = sizeBytes
    }
}

/// How much is looked at: a start command that lies deeper, nobody finds by reading either.
enum LookLimits {
    static let depthMax = 6
    static let filesMax = 4_000
    static let entriesMax = 20_000
    static let manifestBytesMax = 1 << 20
    static let codeBytesMax = 256 << 10
    static let codeFilesMax = 500
    static let codeBytesTotalMax = 8 << 20
    static let lineCharactersMax = 1_000
}
