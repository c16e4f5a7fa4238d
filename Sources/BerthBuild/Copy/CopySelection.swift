// Which files the sources of a COPY mean: names, and patterns as Go's filepath.Match has them.
import BerthLinux
import BerthModel

/// One source, found.
struct SelectedSource: Sendable, Equatable {
    /// Its real place in the tree.
    var place: String
    /// The last part of its name as it was written: what it is called in a directory.
    var name: String
}

struct CopySelection {
    let tree: CopyTree

    /// Nothing for a pattern that nothing matches: `yarn.lock*` means "if there is one". A plain name must be there.
    func sources(_ word: String) throws -> [SelectedSource] {
        let path = PathText.absolute(word, below: "/")
        guard PathPattern.isPattern(word) else { return [try named(path, word)] }
        return try matches(path).map { try named($0, $0) }
    }

    private func named(_ path: String, _ word: String) throws -> SelectedSource {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        guard let place = try tree.place(path) else { throw CopySelection.missing(word) }
        if place != "/", tree.isIgnored(path), try !letsIn(place) {
            throw BerthError(
                .notFound, "copying \(word)", subject: word,
                cause: "\"\(path)\": not found: it is ignored",
                hint: "a pattern of .dockerignore matches it; !\(path.dropFirst()) lets it in")
        }
        return SelectedSource(place: place, name: name)
    }

    /// A directory that is ignored is there where something below it is let in.
    private func letsIn(_ place: String) throws -> Bool {
        guard tree.ignore.hasExceptions else { return false }
        return try tree.walk(place).count > 1
    }

    static func missing(_ word: String) -> BerthError {
        BerthError(
            .notFound, "copying \(word)", subject: word,
            cause: "failed to compute cache key: \"\(word)\": not found: no such file or directory",
            hint: "sources are named from the context's root, or from the root of --from")
    }

    /// Paths, in the order of their names, that a pattern matches part by part.
    private func matches(_ pattern: String) throws -> [String] {
        var reached = [""]
        for part in pattern.split(separator: "/").map(String.init) {
            var next: [String] = []
            for above in reached {
                guard PathPattern.isPattern(part) else {
                    let path = "\(above)/\(part)"
                    if try tree.place(path) != nil { next.append(path) }
                    continue
                }
                let directory: Descriptor
                do throws(SystemError) {
                    directory = try Directory.open(
                        inRootNumber: tree.root.number, above, flags: FileFlags.directory)
                } catch {
                    if error.isNotFound { continue }
                    throw error
                }
                for name in try Directory.names(directory).sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
                    let path = "\(above)/\(name)"
                    guard PathPattern.matches(name, part) else { continue }
                    if tree.isIgnored(path), try !letsIn(path) { continue }
                    next.append(path)
                }
            }
            reached = next
        }
        return reached
    }
}

/// Go's filepath.Match for one part of a path.
enum PathPattern {
    static func isPattern(_ text: String) -> Bool { text.contains { "*?[\\".contains($0) } }

    static func matches(_ name: String, _ pattern: String) -> Bool {
        matches(Array(name.unicodeScalars)[...], Array(pattern.unicodeScalars)[...])
    }

    private static func matches(_ name: ArraySlice<Unicode.Scalar>, _ pattern: ArraySlice<Unicode.Scalar>) -> Bool {
        var name = name
        var pattern = pattern
        while let scalar = pattern.popFirst() {
            switch scalar {
            case "*":
                let rest = pattern.drop { $0 == "*" }
                if rest.isEmpty { return true }
                return (0...name.count).contains { matches(name.dropFirst($0), rest) }
            case "?": if name.popFirst() == nil { return false }
            case "[":
                guard let letter = name.popFirst(), let isIn = set(&pattern, letter), isIn else { return false }
            case "\\": guard let next = pattern.popFirst(), name.popFirst() == next else { return false }
            default: if name.popFirst() != scalar { return false }
            }
        }
        return name.isEmpty
    }

    /// What stands between brackets; nil: they are not closed.
    private static func set(_ pattern: inout ArraySlice<Unicode.Scalar>, _ letter: Unicode.Scalar) -> Bool? {
        let isNegated = pattern.first == "^"
        if isNegated { pattern = pattern.dropFirst() }
        var found = false
        var count = 0
        while true {
            if pattern.first == "]" && count > 0 {
                pattern = pattern.dropFirst()
                return found != isNegated
            }
            guard let low = member(&pattern) else { return nil }
            var high = low
            if pattern.first == "-" {
                pattern = pattern.dropFirst()
                guard let last = member(&pattern) else { return nil }
                high = last
            }
            if low <= letter && letter <= high { found = true }
            count += 1
        }
    }

    private static func member(_ pattern: inout ArraySlice<Unicode.Scalar>) -> Unicode.Scalar? {
        guard let scalar = pattern.popFirst(), scalar != "]" else { return nil }
        return scalar == "\\" ? pattern.popFirst() : scalar
    }
}
