// Words of a Dockerfile with their variables put in: the small shell language that instructions are written in.

/// Why a word cannot be expanded, in the words that docker uses.
package struct WordError: Error, Equatable, CustomStringConvertible {
    package var description: String
    init(_ description: String) { self.description = description }
}

/// A word after expansion.
package struct ExpandedWord: Sendable, Equatable {
    package var text: String
    /// Names that were asked for and have a value.
    package var matched: Set<String> = []
    /// Names that were asked for and have no value, a default or not.
    package var unmatched: Set<String>
}

/// The rules of one Dockerfile. Values come from a function; what has none is empty.
package struct WordExpansion: Sendable {
    package var escape: Character
    /// Quotes stay, and are no quotes: the text is a heredoc's.
    package var keepsQuotes = false
    /// Quotes are quotes, and stay.
    package var writesQuotes = false
    /// What is escaped keeps its escape.
    package var keepsEscapes = false
    /// A name without a value stays as it was written.
    package var keepsUnset = false
    package init(escape: Character) { self.escape = escape }

    /// Deeper nesting of `${…}` than this is nobody's wish.
    static let depthMax = 200
    static let bytesMax = 16 << 20
    static let stepsMax = 50_000_000

    package func word(_ text: String, _ lookup: (String) -> String?) throws(WordError) -> ExpandedWord {
        var reader = WordReader(text, self)
        let (word, _) = try reader.read(until: nil, keepsEscapes: keepsEscapes, lookup)
        return ExpandedWord(text: word, matched: reader.matched, unmatched: reader.unmatched)
    }

    /// The word as several: values with spaces in them are split where they are not quoted.
    package func words(_ text: String, _ lookup: (String) -> String?) throws(WordError) -> [String] {
        var reader = WordReader(text, self)
        return try reader.read(until: nil, keepsEscapes: keepsEscapes, lookup).words
    }
}

/// Words as they come together, character by character.
struct WordList {
    private(set) var words: [String] = []
    private var word = String.UnicodeScalarView()

    /// Part of a word whatever it is: it was quoted or escaped.
    mutating func addRaw(_ text: String) { word.append(contentsOf: text.unicodeScalars) }

    mutating func addRaw(_ scalar: Unicode.Scalar) { word.append(scalar) }

    mutating func add(_ scalar: Unicode.Scalar) {
        if scalar.properties.isWhitespace { end() } else { word.append(scalar) }
    }

    /// Spaces end a word.
    mutating func add(_ text: String) {
        for scalar in text.unicodeScalars { add(scalar) }
    }

    /// A word of nothing is none, quoted or not.
    mutating func end() {
        if !word.isEmpty { words.append(String(word)) }
        word = String.UnicodeScalarView()
    }
}
