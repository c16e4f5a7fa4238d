// Which files a COPY means: wildcards matched, links of the sources followed, `.dockerignore` and `--exclude` heeded.
import BerthLinux
import BerthModel

package struct CopySelection: Sendable {
    package struct Match: Sendable {
        /// What a file is called where the destination is a directory: a link's own name, not its target's.
        package var name: EntryName
        package var tree: CopyTree
    }

    /// Its owner may be found later than its files.
    package var request: CopyRequest
    package let source: CopySource
    /// In the order of the request; what a wildcard matched in the order of the bytes.
    package private(set) var matches: [Match] = []
    private let warn: (@Sendable (String) -> Void)
    private let excluded: IgnorePatterns?

    /// Looks at everything, reads nothing. `warn` hears of sockets, which are left out.
    package init(
        _ request: CopyRequest, from source: CopySource, warn: @escaping @Sendable (String) -> Void = { _ in }
    ) throws {
        self.request = request
        self.source = source
        self.warn = warn
        excluded = request.excludes.isEmpty ? nil : IgnorePatterns(request.excludes)
        if let malformed = excluded?.malformed { throw CopySelection.malformed(malformed) }
        if request.sources.count + request.inlineFiles.count > 1 && !request.isDestinationDirectory {
            throw BerthError(
                .invalid, "copying to \(request.destination)", subject: request.destination,
                cause: "with more than one source file, the destination must be a directory and end with a /",
                hint: "end it with a slash: \(request.destination)/")
        }
        for word in request.sources + request.inlineFiles.map(\.name) + [request.destination]
        where word.utf8.contains(0) {
            throw BerthError(.invalid, "copying to \(request.destination)", cause: "a name with a NUL in it")
        }
        for file in request.inlineFiles where file.name.contains("/") || file.name.isEmpty {
            throw BerthError(.invalid, "copying \(file.name)", subject: file.name, cause: "a heredoc's name is no path")
        }
        for word in request.sources { try request.keepsParents ? addParents(word) : add(word) }
    }

    /// A name that means itself, whatever letters are in it.
    static func literal(_ name: String) -> String {
        String(name.flatMap { "*?[\\".contains($0) ? ["\\", $0] : [$0] })
    }

    // MARK: Words

    /// A wildcard that matches nothing is no error: `yarn.lock*` means "if there is one".
    private mutating func add(_ word: String) throws {
        let parts = CopySelection.cleaned(word)
        let patterns = try parts.map { try CopySelection.pattern($0, word) }
        guard let firstWild = patterns.firstIndex(where: \.isWild) else {
            let asWritten = parts.map { EntryName($0) }
            if try addPath(asWritten, word) { return }
            // A backslash takes the next letter literally, where no file has the backslash in its name.
            let unescaped = patterns.map { EntryName($0.literal) }
            if unescaped != asWritten, try addPath(unescaped, word) { return }
            throw notFound(word, "no such file or directory")
        }
        let found = try expand(parts[..<firstWild].map { EntryName($0) }, patterns[firstWild...], word)
        for path in found {
            if try !addPath(path, word) { throw notFound(CopySelection.text(path), "the link leads nowhere") }
        }
    }

    /// `--parents`: what matches below a pivot, with the directories between.
    private mutating func addParents(_ word: String) throws {
        var base = ""
        var pattern = word
        if let pivot = CopySelection.pivot(of: word) { (base, pattern) = pivot }
        let wanted = CopySelection.cleaned(pattern).joined(separator: "/")
        // A name that begins with an exclamation mark is no exception here.
        let included = wanted.isEmpty ? nil : IgnorePatterns([wanted.hasPrefix("!") ? "\\" + wanted : wanted])
        if let malformed = included?.malformed { throw CopySelection.malformed(malformed) }
        let isWild = try wanted.split(separator: "/").contains { try CopySelection.pattern(String($0), word).isWild }
        let baseParts = CopySelection.cleaned(base)
        let patterns = try baseParts.map { try CopySelection.pattern($0, word) }
        var bases = [baseParts.map { EntryName($0) }]
        if let firstWild = patterns.firstIndex(where: \.isWild) {
            bases = try expand(bases[0][..<firstWild].map { $0 }, patterns[firstWild...], word)
        }
        var isNamed = false
        for path in bases {
            var walk = PathWalk(root: source.root, ignored: source.ignored)
            guard case .directory(let directory) = try walk.walk(path) else {
                // A wildcard means the directories that it matches.
                if patterns.contains(where: \.isWild) { continue }
                throw notFound(CopySelection.text(path), "no such directory")
            }
            let filter = CopyFilter(ignored: source.ignored, excluded: excluded, included: included)
            let tree = try TreeWalk.directory(
                directory, below: source.root, at: walk.reached, filter, warn: warn)
            if tree.entries.count == 1 && included != nil { continue }
            matches.append(Match(name: walk.reached.last ?? PathWalk.here, tree: tree))
            isNamed = true
        }
        if !isNamed && !isWild && excluded == nil { throw notFound(word, "no such file or directory") }
    }

    /// What stands before and after the first `/./`.
    private static func pivot(of word: String) -> (String, String)? {
        let bytes = Array(word.utf8)
        guard bytes.count >= 3 else { return nil }
        for index in 0...(bytes.count - 3) where bytes[index..<(index + 3)].elementsEqual("/./".utf8) {
            return (
                String(decoding: bytes[..<index], as: UTF8.self), String(decoding: bytes[(index + 3)...], as: UTF8.self)
            )
        }
        return nil
    }

    // MARK: Paths

    /// False: nothing is there.
    private mutating func addPath(_ path: [EntryName], _ word: String) throws -> Bool {
        var walk = PathWalk(root: source.root, ignored: source.ignored)
        let name = path.last ?? PathWalk.here
        switch try walk.walk(path, followsLast: request.followsSourceLinks) {
        case .missing: return false
        case .entry(let parent, let own, let status):
            if let excluded, excluded.matches(name.description) { return true }
            if status.kind == .socket {
                warn("\(CopySelection.text(path)) is a socket and is not copied")
                return true
            }
            let tree = try TreeWalk.file(own, in: parent, status, below: source.root, at: walk.reached + [own])
            matches.append(Match(name: name, tree: tree))
            return true
        case .directory(let directory):
            let filter = CopyFilter(ignored: source.ignored, excluded: excluded)
            let tree = try TreeWalk.directory(
                directory, below: source.root, at: walk.reached, filter, warn: warn)
            // An ignored directory is there for what is let back in below it, and there is nothing.
            let isHidden = source.ignored?.matches(CopySelection.text(walk.reached)) ?? false
            if isHidden && tree.entries.count == 1 { return false }
            matches.append(Match(name: name, tree: tree))
            return true
        }
    }

    /// Every path that the patterns match below a directory. Links are matched, not walked through.
    private func expand(
        _ base: [EntryName], _ patterns: ArraySlice<NamePattern>, _ word: String
    ) throws -> [[EntryName]] {
        var walk = PathWalk(root: source.root, ignored: source.ignored)
        guard case .directory(let directory) = try walk.walk(base) else {
            throw notFound(word, "no such directory as \(CopySelection.text(base))")
        }
        var found: [[EntryName]] = []
        var trail = IgnorePatterns.Trail()
        if let ignored = source.ignored {
            for part in walk.reached { trail = ignored.trail(to: part.description, below: trail) }
        }
        try match(patterns, in: directory.number, trail, base, &found)
        return found
    }

    private func match(
        _ patterns: ArraySlice<NamePattern>, in directory: Int32, _ trail: IgnorePatterns.Trail, _ path: [EntryName],
        _ found: inout [[EntryName]]
    ) throws {
        guard let pattern = patterns.first else { return }
        for name in try DirectoryEntry.names(in: directory) where pattern.matches(name.description) {
            guard let status = try DirectoryEntry.status(name, in: directory) else { continue }
            var below = trail
            if let ignored = source.ignored {
                below = ignored.trail(to: name.description, below: trail)
                if below.isMatched {
                    guard status.kind == .directory, try hasAnything(name, in: directory, below) else { continue }
                }
            }
            if patterns.count == 1 {
                found.append(path + [name])
            } else if status.kind == .directory {
                let opened = try DirectoryEntry.openDirectory(name, in: directory)
                try match(patterns.dropFirst(), in: opened.number, below, path + [name], &found)
            }
        }
    }

    /// Whether an ignored directory is there at all: something below it is let back in.
    private func hasAnything(
        _ name: EntryName, in directory: Int32, _ trail: IgnorePatterns.Trail, depth: Int = 0
    ) throws -> Bool {
        guard let ignored = source.ignored, ignored.mayMatchBelow(trail), depth < CopyTree.depthMax else {
            return false
        }
        let opened = try DirectoryEntry.openDirectory(name, in: directory)
        for child in try DirectoryEntry.names(in: opened.number) {
            let below = ignored.trail(to: child.description, below: trail)
            if !below.isMatched { return true }
            guard try DirectoryEntry.status(child, in: opened.number)?.kind == .directory else { continue }
            if try hasAnything(child, in: opened.number, below, depth: depth + 1) { return true }
        }
        return false
    }
}

extension CopySelection {
    /// `..` resolved as text, never above the root; `.` and slashes at the end mean nothing.
    fileprivate static func cleaned(_ word: String) -> [String] {
        var parts: [String] = []
        for part in word.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
        }
        return parts
    }

    fileprivate static func text(_ path: [EntryName]) -> String {
        path.map(\.description).joined(separator: "/")
    }

    fileprivate static func pattern(_ part: String, _ word: String) throws -> NamePattern {
        do { return try NamePattern(part) } catch { throw malformed(word) }
    }

    fileprivate static func malformed(_ pattern: String) -> BerthError {
        BerthError(
            .invalid, "copying \(pattern)", subject: pattern, cause: "the pattern is malformed",
            hint: "a file whose name has a [ is written [[]")
    }

    fileprivate func notFound(_ path: String, _ cause: String) -> BerthError {
        var hint: String?
        if source.ignored != nil {
            var walk = PathWalk(root: source.root)
            let ending = try? walk.walk(CopySelection.cleaned(path).map { EntryName($0) })
            switch ending {
            case .directory, .entry: hint = "it is there, but \(IgnoreFile.name) excludes it"
            case .missing, nil: break
            }
        }
        return BerthError(
            .notFound, "copying \(path) from \(source.title)", subject: path, cause: cause, hint: hint)
    }
}
