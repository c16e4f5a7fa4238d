// A path below a root, one part at a time by descriptor: links are followed by hand and never lead out.
import BerthLinux
import BerthModel

struct PathWalk {
    enum Ending {
        case directory(SharedDescriptor)
        /// Anything else, in an open directory; a link only where it is not to be followed.
        case entry(SharedDescriptor, EntryName, FileStatus)
        /// Not there, or hidden; in the directory where it would be.
        case missing(SharedDescriptor, EntryName)
    }

    /// What is done about a part that is not there.
    enum Missing {
        case ends
        /// Directories are made on the way; with `last`, the path's last part is one too.
        case makes((SharedDescriptor, EntryName) throws -> Void, last: Bool)
    }

    private static let linksMax = 255
    private static let partsMax = 4096

    let root: SharedDescriptor
    /// What does not exist although it is there.
    var ignored: IgnorePatterns?
    private var trail: [(name: EntryName, directory: SharedDescriptor)] = []

    init(root: SharedDescriptor, ignored: IgnorePatterns? = nil) {
        self.root = root
        self.ignored = ignored
    }

    /// Where the walk stands, relative to the root and without links.
    var reached: [EntryName] { trail.map(\.name) }
    private var current: SharedDescriptor { trail.last?.directory ?? root }

    mutating func walk(_ parts: [EntryName], followsLast: Bool = true, missing: Missing = .ends) throws -> Ending {
        var pending = Array(parts.reversed())
        var links = 0
        while let name = pending.popLast() {
            if name == PathWalk.here { continue }
            if name == PathWalk.above {
                _ = trail.popLast()
                continue
            }
            let parent = current
            guard let status = try visibleStatus(name, in: parent) else {
                guard case .makes(let make, let last) = missing, last || !pending.isEmpty else {
                    return .missing(parent, name)
                }
                try make(parent, name)
                try enter(name, in: parent)
                continue
            }
            switch status.kind {
            case .directory: try enter(name, in: parent)
            case .symbolicLink where followsLast || !pending.isEmpty:
                links += 1
                let target = try DirectoryEntry.readLink(name, in: parent.number)
                guard links <= PathWalk.linksMax, pending.count < PathWalk.partsMax else {
                    throw SystemError.tooManyLinks(text(parts))
                }
                if target.bytes.first == 0x2F { trail = [] }
                pending += PathWalk.parts(target).reversed()
            default:
                // A file has nothing below it.
                if pending.contains(where: { $0 != PathWalk.here }) {
                    if case .ends = missing { return .missing(parent, name) }
                    throw SystemError.notADirectory(text(parts))
                }
                return .entry(parent, name, status)
            }
        }
        return .directory(current)
    }

    private mutating func enter(_ name: EntryName, in parent: SharedDescriptor) throws {
        guard trail.count < CopyTree.depthMax else { throw CopyTree.tooDeep(text(reached)) }
        trail.append((name, SharedDescriptor(try DirectoryEntry.openDirectory(name, in: parent.number))))
    }

    private func visibleStatus(_ name: EntryName, in parent: SharedDescriptor) throws -> FileStatus? {
        guard let status = try DirectoryEntry.status(name, in: parent.number) else { return nil }
        guard let ignored else { return status }
        var passed = IgnorePatterns.Trail()
        for part in reached + [name] { passed = ignored.trail(to: part.description, below: passed) }
        if !passed.isMatched { return status }
        return status.kind == .directory && ignored.mayMatchBelow(passed) ? status : nil
    }

    private func text(_ parts: [EntryName]) -> String { parts.map(\.description).joined(separator: "/") }

    static let here = EntryName(".")
    static let above = EntryName("..")

    static func parts(_ path: EntryName) -> [EntryName] {
        path.bytes.split(separator: 0x2F).map { EntryName(bytes: $0) }
    }

    static func parts(_ path: String) -> [EntryName] { path.split(separator: "/").map { EntryName($0) } }
}
