// A selection becomes files: below a root that nothing leads out of, by descriptors of directories.
import BerthLinux
import BerthModel

package struct CopyWriter {
    /// A stage's mounted root, or an empty directory for `--link`.
    let root: SharedDescriptor
    /// `SOURCE_DATE_EPOCH`: no time is later than this, in seconds.
    let timestampMax: Int64?
    let extractor: (any ArchiveExtractor)?

    package init(root: SharedDescriptor, timestampMax: Int64? = nil, extractor: (any ArchiveExtractor)? = nil) {
        self.root = root
        self.timestampMax = timestampMax
        self.extractor = extractor
    }

    package func write(_ selection: CopySelection) throws {
        var writing = Writing(writer: self, selection: selection)
        for match in selection.matches { try writing.write(match) }
        for file in selection.request.inlineFiles { try writing.write(file) }
    }
}

/// One selection on its way.
struct Writing {
    let writer: CopyWriter
    let selection: CopySelection
    /// A file was written to the destination itself: a second one would replace it.
    private var isTaken = false
    /// Where none is asked for.
    private var keepsOwners: Bool

    init(writer: CopyWriter, selection: CopySelection) {
        self.writer = writer
        self.selection = selection
        keepsOwners = selection.source.keepsOwners
    }

    private var request: CopyRequest { selection.request }
    private var destination: [EntryName] { request.destinationParts.map { EntryName($0) } }
    /// Of directories that are made on the way.
    private var newOwner: CopyOwner { request.owner ?? .root }

    // MARK: Destinations

    mutating func write(_ match: CopySelection.Match) throws {
        if match.tree.isDirectory {
            let target = try destinationDirectory()
            let base = try match.tree.openBase()
            return try writeChildren(of: 0, of: match.tree, base.number, target.number)
        }
        if request.unpacks, let extractor = writer.extractor, try unpack(match.tree, extractor) { return }
        let (directory, name) = try place(for: match.name)
        let base = try match.tree.openBase()
        try write(match.tree.entries[0], from: base.number, to: directory.number, as: name)
    }

    mutating func write(_ file: InlineFile) throws {
        let (directory, name) = try place(for: EntryName(file.name))
        let target = try create(name, in: directory.number)
        try FileIO.write(target, file.content)
        try OpenFile.setOwner(
            target.number, userID: newOwner.userID, groupID: newOwner.groupID, mode: mode(file.mode, false))
        try clampNew(target.number)
    }

    /// The destination as a directory, made where it is missing.
    private func destinationDirectory() throws -> SharedDescriptor {
        var walk = PathWalk(root: writer.root)
        do {
            if case .directory(let directory) = try walk.walk(destination, missing: .makes(make, last: true)) {
                return directory
            }
        } catch let error as SystemError where error.isNotFound {
            // Something on the way is a file.
        }
        throw BerthError(
            .conflict, "copying to \(request.destination)", subject: request.destination,
            cause: "there is a file where a directory should be")
    }

    /// Where a file goes: into the destination that is a directory, or in its place.
    private mutating func place(for name: EntryName) throws -> (SharedDescriptor, EntryName) {
        if request.isDestinationDirectory { return (try destinationDirectory(), name) }
        var walk = PathWalk(root: writer.root)
        let ending: PathWalk.Ending
        do { ending = try walk.walk(destination, missing: .makes(make, last: false)) } catch let error as SystemError
            where error.isNotFound
        {
            throw BerthError(
                .conflict, "copying to \(request.destination)", subject: request.destination,
                cause: "there is a file where a directory should be")
        }
        switch ending {
        case .directory(let directory): return (directory, name)
        case .missing(let directory, let own), .entry(let directory, let own, _):
            if isTaken {
                throw BerthError(
                    .invalid, "copying to \(request.destination)", subject: request.destination,
                    cause: "the source is more than one file, and the destination is no directory",
                    hint: "end it with a slash: \(request.destination)/")
            }
            isTaken = true
            return (directory, own)
        }
    }

    private func make(_ parent: SharedDescriptor, _ name: EntryName) throws {
        try DirectoryEntry.createDirectory(name, in: parent.number)
        let made = try DirectoryEntry.openDirectory(name, in: parent.number)
        try OpenFile.setOwner(made.number, userID: newOwner.userID, groupID: newOwner.groupID, mode: 0o755)
        try clampNew(made.number)
    }

    private func unpack(_ tree: CopyTree, _ extractor: any ArchiveExtractor) throws -> Bool {
        guard tree.entries[0].status.kind == .regular else { return false }
        let base = try tree.openBase()
        let file = try tree.entries[0].open(in: base.number)
        let header = try FileIO.readStart(file.number, count: ArchiveKind.headerBytes)
        guard ArchiveKind(header: header) != nil else { return false }
        NewEntry.seek(file.number, 0)
        // What is in it takes part as a directory would: `--chown` for all, else the archive's own owners.
        return try extractor.extract(file.number) { unpacked in
            let content = try TreeWalk.directory(unpacked, below: unpacked, at: [], CopyFilter()) { _ in }
            let target = try destinationDirectory()
            var writing = self
            writing.keepsOwners = true
            try writing.writeChildren(of: 0, of: content, unpacked.number, target.number)
        }
    }

    // MARK: Entries

    private func writeChildren(of index: Int, of tree: CopyTree, _ source: Int32, _ target: Int32) throws {
        var child = index + 1
        while child < tree.entries[index].end {
            let entry = tree.entries[child]
            if entry.status.kind == .directory {
                try writeDirectory(child, of: tree, source, target)
            } else {
                try write(entry, from: source, to: target, as: entry.name)
            }
            child = entry.end
        }
    }

    private func writeDirectory(_ index: Int, of tree: CopyTree, _ source: Int32, _ target: Int32) throws {
        let entry = tree.entries[index]
        let existing = try DirectoryEntry.status(entry.name, in: target)
        if existing == nil {
            try DirectoryEntry.createDirectory(entry.name, in: target)
        } else if existing?.kind != .directory {
            throw BerthError(
                .conflict, "copying the directory \(entry.name)", subject: entry.name.description,
                cause: "there is a file where a directory should be")
        }
        let from = try DirectoryEntry.openDirectory(entry.name, in: source)
        let to = try DirectoryEntry.openDirectory(entry.name, in: target)
        try writeChildren(of: index, of: tree, from.number, to.number)
        if entry.isImplied && existing != nil { return }
        try finish(entry, to.number)
    }

    private func write(_ entry: CopyEntry, from directory: Int32, to target: Int32, as name: EntryName) throws {
        switch entry.status.kind {
        case .regular:
            let source = try entry.open(in: directory)
            let file = try create(name, in: target)
            try FileContent.copy(from: source.number, to: file.number, status: entry.status)
            try finish(entry, file.number)
        case .symbolicLink:
            try clear(name, in: target)
            try DirectoryEntry.createLink(name, to: entry.target ?? PathWalk.here, in: target)
            try finish(entry, name, in: target, mode: nil)
        default:
            try clear(name, in: target)
            try writeNode(entry, to: target, as: name)
        }
    }

    private func writeNode(_ entry: CopyEntry, to target: Int32, as name: EntryName) throws {
        if entry.status.isWhiteout {
            throw BerthError(
                .denied, "copying \(entry.name)", subject: entry.name.description,
                cause: "a device 0:0 would hide a file of a layer below")
        }
        do { try DirectoryEntry.createNode(name, like: entry.status, in: target) } catch {
            throw BerthError(
                error.isDenied ? .denied : .internal, "copying the special file \(entry.name)",
                subject: entry.name.description, cause: error.reason,
                hint: "exclude it in \(IgnoreFile.name) or with --exclude")
        }
        try finish(entry, name, in: target, mode: mode(entry.status.mode, false))
    }

    private func create(_ name: EntryName, in target: Int32) throws -> Descriptor {
        // Mostly there is nothing: one call less for each file.
        do { return try DirectoryEntry.createFile(name, in: target) } catch {
            guard error.isAlreadyThere else { throw error }
            try clear(name, in: target)
            return try DirectoryEntry.createFile(name, in: target)
        }
    }

    /// What is there makes room, unless it is a directory.
    private func clear(_ name: EntryName, in target: Int32) throws {
        guard let existing = try DirectoryEntry.status(name, in: target) else { return }
        if existing.kind == .directory {
            throw BerthError(
                .conflict, "copying the file \(name)", subject: name.description,
                cause: "there is a directory where a file should be")
        }
        try DirectoryEntry.unlink(name, in: target)
    }

    // MARK: Metadata

    private func mode(_ mode: UInt32, _ isDirectory: Bool) -> UInt32 {
        (request.changeMode?(mode, isDirectory) ?? mode) & 0o7777
    }

    private func owner(_ status: FileStatus) -> CopyOwner {
        if let owner = request.owner { return owner }
        return keepsOwners ? CopyOwner(userID: status.userID, groupID: status.groupID) : .root
    }

    /// Owner, mode, attributes, and the time last. A capability comes after the owner, whose change takes it away.
    private func finish(_ entry: CopyEntry, _ file: Int32) throws {
        let owner = owner(entry.status)
        try OpenFile.setOwner(
            file, userID: owner.userID, groupID: owner.groupID,
            mode: mode(entry.status.mode, entry.status.kind == .directory))
        for attribute in entry.attributes {
            do { try NewEntry.setAttribute(file, attribute.name, attribute.value) } catch {
                // A file system without user attributes loses them; a capability is never lost in silence.
                guard attribute.name.hasPrefix("user."), error.isUnsupported else { throw error }
            }
        }
        let time = clamped(entry.status)
        try OpenFile.setModified(file, seconds: time.seconds, nanoseconds: time.nanoseconds)
    }

    private func finish(_ entry: CopyEntry, _ name: EntryName, in target: Int32, mode: UInt32?) throws {
        let owner = owner(entry.status)
        try DirectoryEntry.setOwner(name, in: target, userID: owner.userID, groupID: owner.groupID, mode: mode)
        let time = clamped(entry.status)
        try DirectoryEntry.setModified(name, in: target, seconds: time.seconds, nanoseconds: time.nanoseconds)
    }

    private func clamped(_ status: FileStatus) -> (seconds: Int64, nanoseconds: Int64) {
        if let max = writer.timestampMax, status.modifiedSeconds >= max { return (max, 0) }
        return (status.modifiedSeconds, status.modifiedNanoseconds)
    }

    /// What we made now is as old as it may be at most.
    private func clampNew(_ file: Int32) throws {
        guard let max = writer.timestampMax else { return }
        let time = clamped(try FileStatus.of(file))
        if time.seconds == max { try OpenFile.setModified(file, seconds: max, nanoseconds: 0) }
    }
}
