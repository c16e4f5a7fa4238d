// One pattern of paths, read into tokens: Go's `filepath.Match` with `**` of Docker's.

struct IgnorePattern: Sendable, Equatable {
    static let slash: UInt32 = 0x2F

    private enum Token: Sendable, Equatable {
        case letter(UInt32)
        /// `?`: one letter that is no slash.
        case any
        /// `[a-z]`, `[^a-z]`
        case set([ClosedRange<UInt32>], isNegated: Bool)
        /// `*`: letters up to a slash.
        case star
        /// `**/`: nothing, or directories with their slash.
        case directories
        /// `**` at the end: whatever follows.
        case rest
    }

    let isException: Bool
    private var tokens: [Token] = []
    /// Letters only: compared, not matched.
    private var literal: [UInt32]?
    /// The letters before the first and after the last token that is none: most paths fail there.
    private var head: [UInt32] = []
    private var tail: [UInt32] = []

    /// Nil: malformed.
    init?(_ text: String, isException: Bool) {
        self.isException = isException
        let letters = text.unicodeScalars.map(\.value)
        var rest = letters[...]
        while let letter = rest.popFirst() {
            switch Unicode.Scalar(letter) {
            case "*": tokens.append(IgnorePattern.star(&rest))
            case "?": tokens.append(.any)
            case "[":
                guard let set = IgnorePattern.set(&rest) else { return nil }
                tokens.append(set)
            case "\\":
                guard let next = rest.popFirst() else { return nil }
                tokens.append(.letter(next))
            default: tokens.append(.letter(letter))
            }
        }
        let plain = tokens.compactMap { if case .letter(let letter) = $0 { letter } else { nil } }
        if plain.count == tokens.count { literal = plain }
        // `**name` is any path that ends so, `**/name` and `**na*` begin at a directory's start.
        if plain.count == tokens.count - 1, tokens.first == .directories, letters.count > 2, letters[2] != 0x2F {
            tokens[0] = .rest
        }
        head = IgnorePattern.leadingLetters(tokens)
        tail = IgnorePattern.leadingLetters(tokens.reversed()).reversed()
    }

    private static func leadingLetters(_ tokens: [Token]) -> [UInt32] {
        var letters: [UInt32] = []
        for token in tokens {
            guard case .letter(let letter) = token else { break }
            letters.append(letter)
        }
        return letters
    }

    private static func star(_ rest: inout ArraySlice<UInt32>) -> Token {
        guard rest.first == 0x2A else { return .star }
        rest.removeFirst()
        if rest.first == slash { rest.removeFirst() }
        return rest.isEmpty ? .rest : .directories
    }

    /// As Go reads it: at least one letter or range, `]` and `-` only with a backslash.
    private static func set(_ rest: inout ArraySlice<UInt32>) -> Token? {
        var ranges: [ClosedRange<UInt32>] = []
        let isNegated = rest.first == 0x5E
        if isNegated { rest.removeFirst() }
        while rest.first != 0x5D || ranges.isEmpty {
            guard let low = letter(&rest) else { return nil }
            var high = low
            if rest.first == 0x2D {
                rest.removeFirst()
                guard let last = letter(&rest) else { return nil }
                high = last
            }
            // A range that runs backwards holds nothing.
            ranges.append(low <= high ? low...high : 0x11_0000...0x11_0000)
        }
        rest.removeFirst()
        return .set(ranges, isNegated: isNegated)
    }

    private static func letter(_ rest: inout ArraySlice<UInt32>) -> UInt32? {
        guard let letter = rest.popFirst(), letter != 0x2D, letter != 0x5D else { return nil }
        return letter == 0x5C ? rest.popFirst() : letter
    }

    // MARK: Matching

    func matches(_ path: [UInt32]) -> Bool {
        if let literal { return literal == path }
        guard path.starts(with: head), path.count >= tail.count, path[(path.count - tail.count)...] == tail[...] else {
            return false
        }
        return run(path).isMatched
    }

    /// Whether a path that begins with this directory could match.
    func mayMatch(below directory: [UInt32]) -> Bool {
        if directory.isEmpty { return true }
        if let literal {
            return literal.count > directory.count && literal[directory.count] == IgnorePattern.slash
                && literal.starts(with: directory)
        }
        return run(directory + [IgnorePattern.slash]).goesOn
    }

    /// All ways through the tokens at once: the time is bounded by both lengths, however many stars there are.
    private func run(_ path: [UInt32]) -> (isMatched: Bool, goesOn: Bool) {
        var states = States(count: tokens.count)
        states.enter(0, tokens)
        var next = States(count: tokens.count)
        for letter in path {
            next.clear()
            for index in 0..<min(states.reached + 1, tokens.count) {
                if states.inside[index] { next.pass(letter, through: index, tokens) }
                if !states.at[index] { continue }
                switch tokens[index] {
                case .letter(let wanted): if wanted == letter { next.enter(index + 1, tokens) }
                case .any: if letter != IgnorePattern.slash { next.enter(index + 1, tokens) }
                case .set(let ranges, let isNegated):
                    if letter != IgnorePattern.slash, ranges.contains(where: { $0.contains(letter) }) != isNegated {
                        next.enter(index + 1, tokens)
                    }
                case .star: if letter != IgnorePattern.slash { next.enter(index, tokens) }
                case .directories: next.pass(letter, through: index, tokens)
                case .rest: next.enter(index, tokens)
                }
            }
            if next.reached < 0 { return (false, false) }
            swap(&states, &next)
        }
        return (states.at[tokens.count], states.inside.contains(true) || states.at.dropLast().contains(true))
    }

    private struct States {
        /// Before a token; the last one is the end.
        var at: [Bool]
        /// Within the directories that a `**/` takes.
        var inside: [Bool]
        /// The last of either that is true; -1: none.
        var reached = -1

        init(count: Int) {
            at = Array(repeating: false, count: count + 1)
            inside = Array(repeating: false, count: count)
        }

        mutating func clear() {
            if reached < 0 { return }
            for index in 0...reached {
                at[index] = false
                if index < inside.count { inside[index] = false }
            }
            reached = -1
        }

        /// A token that may take nothing is passed at once.
        mutating func enter(_ index: Int, _ tokens: [Token]) {
            var index = index
            while !at[index] {
                at[index] = true
                reached = max(reached, index)
                guard index < tokens.count else { return }
                switch tokens[index] {
                case .star, .directories, .rest: index += 1
                default: return
                }
            }
        }

        mutating func pass(_ letter: UInt32, through index: Int, _ tokens: [Token]) {
            inside[index] = true
            reached = max(reached, index)
            if letter == IgnorePattern.slash { enter(index + 1, tokens) }
        }
    }
}
