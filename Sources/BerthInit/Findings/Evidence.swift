// Why something is held to be so: where it was seen, or that it is assumed.

package struct Evidence: Sendable, Equatable, CustomStringConvertible {
    /// Nil: nothing was seen, and `words` say what is assumed.
    package var path: String?
    package var line: Int?
    /// What stands there, shortened.
    package var words: String

    static func seen(_ path: String, _ line: Int? = nil) -> Evidence { Evidence(path: path, line: line, words: "") }

    static func seen(_ path: String, _ line: Int?, _ words: some StringProtocol) -> Evidence {
        Evidence(path: path, line: line, words: shortened(words))
    }

    static func assumed(_ words: String) -> Evidence { Evidence(path: nil, line: nil, words: words) }

    /// `requirements.txt:3 psycopg2`
    package var description: String {
        guard let path else { return words }
        let place = line.map { "\(path):\($0)" } ?? path
        return words.isEmpty ? place : "\(place) \(words)"
    }

    private static func shortened(_ words: some StringProtocol) -> String {
        let text = TextLines.trimmed(words)
        return text.count > 60 ? "\(text.prefix(57))…" : text
    }
}

package struct Finding<Value: Sendable & Equatable>: Sendable, Equatable {
    package var value: Value
    package var evidence: Evidence

    init(_ value: Value, _ evidence: Evidence) {
        self.value = value
        self.evidence = evidence
    }
}

/// A package that the project asks for by itself.
struct Dependency {
    /// In lower case.
    var name: String
    /// What is asked for in brackets behind it, where a language has that.
    var extras: [String] = []
    var evidence: Evidence
}
