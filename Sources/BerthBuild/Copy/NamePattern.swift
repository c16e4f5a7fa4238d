// Wildcards of COPY in one part of a path, as Go's `filepath.Match` reads them.

/// `*`, `?`, `[a-z]`, `[^a-z]` and `\` inside one name.
struct NamePattern: Sendable {
    struct Malformed: Error {}

    private enum Token: Sendable, Equatable {
        case letter(UInt32)
        case any
        case star
        case set([ClosedRange<UInt32>], isNegated: Bool)
    }

    private var tokens: [Token] = []
    /// False: names one thing, backslashes taken away.
    var isWild: Bool { tokens.contains { if case .letter = $0 { false } else { true } } }
    /// The name it stands for where it is not wild.
    var literal: String {
        var text = String.UnicodeScalarView()
        for case .letter(let letter) in tokens { if let scalar = Unicode.Scalar(letter) { text.append(scalar) } }
        return String(text)
    }

    init(_ text: String) throws(Malformed) {
        var rest = text.unicodeScalars.map(\.value)[...]
        while let letter = rest.popFirst() {
            switch Unicode.Scalar(letter) {
            case "*": if tokens.last != .star { tokens.append(.star) }
            case "?": tokens.append(.any)
            case "[": tokens.append(try NamePattern.set(&rest))
            case "\\":
                guard let next = rest.popFirst() else { throw Malformed() }
                tokens.append(.letter(next))
            default: tokens.append(.letter(letter))
            }
        }
    }

    /// At least one letter or range before the `]`; `-` and `]` as letters want a backslash.
    private static func set(_ rest: inout ArraySlice<UInt32>) throws(Malformed) -> Token {
        var ranges: [ClosedRange<UInt32>] = []
        let isNegated = rest.first == 0x5E
        if isNegated { rest.removeFirst() }
        while rest.first != 0x5D || ranges.isEmpty {
            let low = try letter(&rest)
            var high = low
            if rest.first == 0x2D {
                rest.removeFirst()
                high = try letter(&rest)
            }
            // A range that runs backwards holds nothing.
            ranges.append(low <= high ? low...high : 0x11_0000...0x11_0000)
        }
        rest.removeFirst()
        return .set(ranges, isNegated: isNegated)
    }

    private static func letter(_ rest: inout ArraySlice<UInt32>) throws(Malformed) -> UInt32 {
        guard let letter = rest.popFirst(), letter != 0x2D, letter != 0x5D else { throw Malformed() }
        if letter != 0x5C { return letter }
        guard let next = rest.popFirst() else { throw Malformed() }
        return next
    }

    func matches(_ name: String) -> Bool {
        let letters = name.unicodeScalars.map(\.value)
        // The last star gives back one letter at a time: never more than both lengths multiplied.
        var token = 0
        var letter = 0
        var star: (token: Int, letter: Int)?
        while letter < letters.count {
            if token < tokens.count, tokens[token] == .star {
                star = (token, letter)
                token += 1
            } else if token < tokens.count, NamePattern.takes(tokens[token], letters[letter]) {
                token += 1
                letter += 1
            } else if let last = star {
                star = (last.token, last.letter + 1)
                token = last.token + 1
                letter = last.letter + 1
            } else {
                return false
            }
        }
        return tokens[token...].allSatisfy { $0 == .star }
    }

    private static func takes(_ token: Token, _ letter: UInt32) -> Bool {
        switch token {
        case .letter(let wanted): wanted == letter
        case .any: true
        case .star: false
        case .set(let ranges, let isNegated): ranges.contains { $0.contains(letter) } != isNegated
        }
    }
}
