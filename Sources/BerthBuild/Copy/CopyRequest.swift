// What one COPY or ADD wants: words that are expanded already, names that are numbers already.

package struct CopyOwner: Sendable, Equatable {
    package var userID: UInt32
    package var groupID: UInt32
    package init(userID: UInt32, groupID: UInt32) {
        self.userID = userID
        self.groupID = groupID
    }

    package static let root = CopyOwner(userID: 0, groupID: 0)
}

/// A heredoc of COPY.
package struct InlineFile: Sendable, Equatable {
    package var name: String
    package var content: [UInt8]
    package var mode: UInt32
    package init(name: String, content: [UInt8], mode: UInt32 = 0o644) {
        self.name = name
        self.content = content
        self.mode = mode
    }
}

package struct CopyRequest: Sendable {
    /// Paths in the source; `..` stops at its root.
    package var sources: [String]
    /// Heredocs, copied after the sources.
    package var inlineFiles: [InlineFile] = []
    /// A slash at its end, or `.`, makes it a directory.
    package var destination: String
    /// Where a relative destination starts.
    package var workingDirectory = "/"
    /// `--chown`. Nil: the file's own from an image or a stage, 0:0 from a context, an archive's own where one is
    /// unpacked.
    package var owner: CopyOwner?
    /// `--chmod`: the new permission bits, from the old ones and whether it is a directory. Not asked for links.
    package var changeMode: (@Sendable (_ mode: UInt32, _ isDirectory: Bool) -> UInt32)?
    /// A link that is named as a source, or matched, is followed inside the root; links inside directories stay.
    package var followsSourceLinks = true
    /// `--parents`
    package var keepsParents = false
    /// `--exclude`, relative to each source.
    package var excludes: [String] = []
    /// `--link`: the destination is a directory of its own, in which nothing is there before.
    package var isLinked = false
    /// ADD: a source that is an archive, by its content, is unpacked.
    package var unpacks = false

    package init(sources: [String], destination: String) {
        self.sources = sources
        self.destination = destination
    }

    /// `.`, `..` and empty parts taken out as text; never above the root.
    var destinationParts: [String] {
        let whole = destination.hasPrefix("/") ? destination : workingDirectory + "/" + destination
        var parts: [String] = []
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
        }
        return parts
    }

    var isDestinationDirectory: Bool {
        destination.isEmpty || destination == "." || destination.hasSuffix("/") || destination.hasSuffix("/.")
            || destinationParts.isEmpty
    }
}
