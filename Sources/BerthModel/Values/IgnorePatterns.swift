// The patterns of `.dockerignore`, and of `ignore` and `include` in `develop.watch` (Docker's rules for both).

/// Patterns of paths; the last one that matches decides, and `!` lets back in.
package struct IgnorePatterns: Sendable, Equatable {
    private var patterns: [IgnorePattern]
    /// The first pattern that cannot be read (`[a`, a lone `!`, a backslash at the end); it matches nothing.
    package private(set) var malformed: String?

    package var isEmpty: Bool { patterns.isEmpty }
    package var hasExceptions: Bool { patterns.contains { $0.isException } }

    /// One pattern a line; lines that begin with `#` say nothing.
    package init(text: String) {
        var lines = text.utf8.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        if let first = lines.first?.unicodeScalars, first.first == "\u{FEFF}" { lines[0] = String(first.dropFirst()) }
        self.init(lines.filter { !$0.hasPrefix("#") })
    }

    package init(_ lines: [String]) {
        patterns = []
        for line in lines {
            var pattern = IgnorePatterns.trimmed(Substring(line))
            if pattern.isEmpty { continue }
            let isException = pattern.hasPrefix("!")
            if isException { pattern = IgnorePatterns.trimmed(pattern.dropFirst()) }
            let cleaned = IgnorePatterns.cleaned(String(pattern))
            // Docker does not let anybody ignore everything by a dot.
            if !pattern.isEmpty && (cleaned == "." || cleaned == "") { continue }
            if !pattern.isEmpty, let read = IgnorePattern(cleaned, isException: isException) {
                patterns.append(read)
            } else if malformed == nil {
                malformed = line
            }
        }
    }

    package static func + (a: IgnorePatterns, b: IgnorePatterns) -> IgnorePatterns {
        var both = a
        both.patterns += b.patterns
        both.malformed = a.malformed ?? b.malformed
        return both
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0.isWhitespace }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }

    /// `.` and empty parts dropped, `..` resolved; what would leave the top keeps its `..` and so matches nothing. A
    /// slash in front is dropped, and there `..` stays at the top.
    private static func cleaned(_ path: String) -> String {
        var parts: [Substring] = []
        let isRooted = path.hasPrefix("/")
        for part in path.split(separator: "/") where part != "." {
            if part != ".." || parts.isEmpty && !isRooted || parts.last == ".." {
                parts.append(part)
            } else {
                _ = parts.popLast()
            }
        }
        return parts.joined(separator: "/")
    }

    // MARK: Questions

    /// Whether a path, relative to where the patterns stand, is ignored. What lies in an ignored directory is.
    package func matches(_ path: String) -> Bool {
        var trail = Trail()
        for part in IgnorePatterns.cleaned(path).split(separator: "/") { trail = self.trail(to: part, below: trail) }
        return trail.isMatched
    }

    /// How far a walk has come: which patterns matched on the way, so that nothing above is matched again.
    package struct Trail: Sendable {
        fileprivate var path: [UInt32] = []
        fileprivate var matched: [Bool] = []
        /// Whether the path is ignored.
        package fileprivate(set) var isMatched = false
        package init() {}
    }

    /// The trail one name further down.
    package func trail(to name: some StringProtocol, below above: Trail) -> Trail {
        var trail = above
        if !trail.path.isEmpty { trail.path.append(IgnorePattern.slash) }
        trail.path += name.unicodeScalars.map(\.value)
        if trail.matched.isEmpty { trail.matched = Array(repeating: false, count: patterns.count) }
        trail.isMatched = false
        for (index, pattern) in patterns.enumerated() {
            if !trail.matched[index] {
                // A pattern of names only counts where it can change the answer, but what lies below must know of it.
                trail.matched[index] = pattern.matches(trail.path)
            }
            if trail.matched[index] { trail.isMatched = !pattern.isException }
        }
        return trail
    }

    /// Whether something below an ignored directory could be let back in.
    package func mayMatchBelow(_ trail: Trail) -> Bool {
        patterns.contains { $0.isException && $0.mayMatch(below: trail.path) }
    }

    package func mayMatchBelow(_ path: String) -> Bool {
        let path = Array(IgnorePatterns.cleaned(path).unicodeScalars.map(\.value))
        return patterns.contains { $0.isException && $0.mayMatch(below: path) }
    }

    /// Whether any pattern could match something below a directory.
    package func mayReachBelow(_ trail: Trail) -> Bool {
        patterns.contains { !$0.isException && $0.mayMatch(below: trail.path) }
    }
}
