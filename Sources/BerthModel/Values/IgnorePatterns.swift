// The patterns of `.dockerignore`, and of `ignore` and `include` in `develop.watch` (Docker's rules for both).

/// Patterns of paths; the last one that matches decides, and `!` lets back in.
package struct IgnorePatterns: Sendable, Equatable {
    private struct Pattern: Sendable, Equatable {
        /// Parts between slashes.
        var parts: [[UInt8]]
        var isException: Bool
    }

    private var patterns: [Pattern]
    package var isEmpty: Bool { patterns.isEmpty }
    /// True: what lies in a directory that is ignored may be let back in.
    package var hasExceptions: Bool { patterns.contains { $0.isException } }

    /// One pattern a line; lines that begin with `#` say nothing.
    package init(text: String) {
        var text = Substring(text)
        if text.hasPrefix("\u{FEFF}") { text = text.dropFirst() }
        self.init(text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }.map(String.init))
    }

    package init(_ lines: [String]) {
        patterns = lines.compactMap { line in
            var pattern = IgnorePatterns.trimmed(Substring(line))
            let isException = pattern.hasPrefix("!")
            if isException { pattern = IgnorePatterns.trimmed(pattern.dropFirst()) }
            let parts = IgnorePatterns.parts(String(pattern))
            return parts.isEmpty ? nil : Pattern(parts: parts.map { Array($0.utf8) }, isException: isException)
        }
    }

    package static func + (a: IgnorePatterns, b: IgnorePatterns) -> IgnorePatterns {
        var both = a
        both.patterns += b.patterns
        return both
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0.isWhitespace }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text
    }

    /// `.` dropped, `..` resolved, never above the top.
    private static func parts(_ path: String) -> [Substring] {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return parts
    }

    /// Whether a path, relative to where the patterns stand, is ignored. What lies in an ignored directory is.
    package func matches(_ path: String) -> Bool {
        let parts = IgnorePatterns.parts(path).map { Array($0.utf8) }
        if parts.isEmpty { return false }
        var isMatched = false
        for pattern in patterns where pattern.isException == isMatched {
            let hits = (1...parts.count).contains { count in
                IgnorePatterns.match(pattern.parts[...], parts[..<count])
            }
            if hits { isMatched = !pattern.isException }
        }
        return isMatched
    }

    private static func match(_ pattern: ArraySlice<[UInt8]>, _ path: ArraySlice<[UInt8]>) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        if first == Array("**".utf8) {
            return (0...path.count).contains { match(pattern.dropFirst(), path.dropFirst($0)) }
        }
        guard let part = path.first, matchPart(first[...], part[...]) else { return false }
        return match(pattern.dropFirst(), path.dropFirst())
    }

    /// `*`, `?`, `[a-z]`, `[^a-z]` and `\` inside one part.
    private static func matchPart(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        var pattern = pattern
        var text = text
        while let byte = pattern.popFirst() {
            switch byte {
            case UInt8(ascii: "*"):
                let rest = pattern.drop { $0 == UInt8(ascii: "*") }
                return (0...text.count).contains { matchPart(rest, text.dropFirst($0)) }
            case UInt8(ascii: "?"):
                if text.popFirst() == nil { return false }
            case UInt8(ascii: "["):
                guard let letter = text.popFirst(), let end = pattern.dropFirst().firstIndex(of: UInt8(ascii: "]"))
                else {
                    return false
                }
                if !isIn(pattern[pattern.startIndex..<end], letter) { return false }
                pattern = pattern[pattern.index(after: end)...]
            case UInt8(ascii: "\\"):
                guard let next = pattern.popFirst(), text.popFirst() == next else { return false }
            default:
                if text.popFirst() != byte { return false }
            }
        }
        return text.isEmpty
    }

    private static func isIn(_ set: ArraySlice<UInt8>, _ letter: UInt8) -> Bool {
        var set = set
        let isNegated = set.first == UInt8(ascii: "^")
        if isNegated { set = set.dropFirst() }
        var found = false
        while let low = set.popFirst() {
            var high = low
            if set.first == UInt8(ascii: "-"), let last = set.dropFirst().first {
                high = last
                set = set.dropFirst(2)
            }
            if (low...max(low, high)).contains(letter) { found = true }
        }
        return found != isNegated
    }
}
