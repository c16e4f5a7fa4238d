// Paths as text: nothing here asks the disk.

enum PathText {
    /// Absolute and cleaned; `..` ends at the root.
    static func clean(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// Cleaned as Go cleans: relative paths stay relative, and nothing is `.`.
    static func cleanTarget(_ path: String) -> String {
        if path.hasPrefix("/") { return clean(path) }
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." { parts.removeLast() } else { parts.append(part) }
        }
        return parts.isEmpty ? "." : parts.joined(separator: "/")
    }

    static func parent(_ path: String) -> String {
        let clean = clean(path)
        guard let slash = clean.lastIndex(of: "/"), slash != clean.startIndex else { return "/" }
        return String(clean[..<slash])
    }

    static func name(_ path: String) -> String { clean(path).split(separator: "/").last.map(String.init) ?? "" }

    /// Joined and cleaned; an absolute second part stands alone.
    static func join(_ base: String, _ path: String) -> String {
        if path.hasPrefix("/") { return cleanTarget(path) }
        return base.isEmpty ? cleanTarget(path) : cleanTarget(base + "/" + path)
    }

    /// Messages name files as the user sees them: relative to the working directory where they are below it.
    static func display(_ path: String, from directory: String) -> String {
        if path == "-" { return "-" }
        let prefix = directory == "/" ? "/" : directory + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }
}
