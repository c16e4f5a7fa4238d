// What berth has to say about a user's file: always with a place, always with what was expected.

/// A position in a text file, counted from 1 as editors do.
package struct SourcePlace: Codable, Sendable, Equatable, Hashable, Comparable, CustomStringConvertible {
    package var file: String
    package var line: Int
    package var column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    package var description: String { "\(file):\(line):\(column)" }

    package static func < (a: SourcePlace, b: SourcePlace) -> Bool {
        (a.file, a.line, a.column) < (b.file, b.line, b.column)
    }
}

/// Another place that has to do with a remark.
package struct RelatedPlace: Codable, Sendable, Equatable {
    package var place: SourcePlace
    /// What it has to do with it: `included`, `extended`.
    package var role: String

    package init(_ place: SourcePlace, _ role: String) {
        self.place = place
        self.role = role
    }
}

/// One remark about a user's file. Loading returns all of them, never just the first.
package struct Diagnostic: Codable, Sendable, Equatable, CustomStringConvertible {
    package enum Severity: String, Codable, Sendable { case error, warning }

    package var severity: Severity
    /// Nil only where no file is involved (an unreadable file, a flag).
    package var place: SourcePlace?
    /// The tree path, as compose writes it: `services.web.ports[0]`; empty for syntax errors.
    package var path: String
    /// What is wrong and what was expected, lower case, no full stop.
    package var message: String
    /// What to do about it, such as `did you mean "ports"?`.
    package var suggestion: String?
    /// Where the file comes in, if it is none of those that were given.
    package var related: RelatedPlace?

    package init(
        _ severity: Severity, at place: SourcePlace?, path: String = "", _ message: String, suggestion: String? = nil
    ) {
        self.severity = severity
        self.place = place
        self.path = path
        self.message = message
        self.suggestion = suggestion
    }

    /// `compose.yaml:3:5: services.web.prots: unknown key; did you mean "ports"?`
    package var description: String {
        var text = place.map { "\($0): " } ?? ""
        if !path.isEmpty { text += "\(path): " }
        text += message
        if let suggestion { text += "; \(suggestion)" }
        if let related { text += " (\(related.role) at \(related.place))" }
        return text
    }
}
