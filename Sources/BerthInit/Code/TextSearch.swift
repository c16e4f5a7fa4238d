// Words in a line, without regular expressions: all of it is linear in the line.

extension StringProtocol where SubSequence == Substring {
    /// The first place of a text. Bytes are compared: marks that join letters hide nothing, and it is quick.
    func place(of word: String) -> Range<Index>? {
        guard !word.isEmpty else { return nil }
        let wanted = Array(word.utf8)
        let bytes = utf8
        var start = bytes.startIndex
        while let first = bytes[start...].firstIndex(of: wanted[0]) {
            var end = first
            var matched = 0
            while matched < wanted.count, end < bytes.endIndex, bytes[end] == wanted[matched] {
                end = bytes.index(after: end)
                matched += 1
            }
            if matched == wanted.count { return first..<end }
            start = bytes.index(after: first)
        }
        return nil
    }

    func contains(anyOf words: [String]) -> Bool { words.contains { place(of: $0) != nil } }

    /// What follows each place of a text.
    func tails(after word: String) -> [SubSequence] {
        var tails: [SubSequence] = []
        var rest = self[startIndex...]
        while let found = rest.place(of: word) {
            rest = rest[found.upperBound...]
            tails.append(rest)
        }
        return tails
    }
}

enum QuotedText {
    /// The text in quotes that begins here, if one does.
    static func leading(_ text: Substring) -> Substring? {
        guard let quote = text.first, "\"'`".contains(quote) else { return nil }
        let inside = text.dropFirst()
        guard let end = inside.firstIndex(of: quote) else { return nil }
        return inside[..<end]
    }

    /// Every text in quotes of a line.
    static func all(in line: Substring) -> [Substring] {
        var found: [Substring] = []
        var rest = line
        while let start = rest.firstIndex(where: { "\"'`".contains($0) }) {
            guard let text = leading(rest[start...]) else {
                rest = rest[rest.index(after: start)...]
                continue
            }
            found.append(text)
            rest = rest[text.endIndex...].dropFirst()
        }
        return found
    }
}
