// `--chmod`: octal digits, or the letters of chmod(1).

package struct FileMode: Sendable, Equatable {
    private enum Change: Sendable, Equatable {
        case set(UInt32)
        case clause(who: UInt32, operation: Character, permissions: String)
    }

    private let changes: [Change]
    /// For keys: two texts that are the same change are the same.
    package let text: String

    package static func parse(_ text: String) throws(WordError) -> FileMode {
        if !text.isEmpty, text.allSatisfy({ ("0"..."7").contains($0) }), text.count <= 6,
            let number = UInt32(text, radix: 8), number <= 0o7777
        {
            return FileMode(changes: [.set(number)], text: String(number, radix: 8))
        }
        var changes: [Change] = []
        for clause in text.split(separator: ",", omittingEmptySubsequences: false) {
            changes += try FileMode.clauses(clause, text)
        }
        return FileMode(changes: changes, text: text)
    }

    /// `u=rwX`, `go-w`, `+x`, `a+r-w`.
    private static func clauses(_ clause: Substring, _ text: String) throws(WordError) -> [Change] {
        var rest = clause
        var who: UInt32 = 0
        while let letter = rest.first, let bits = ["u": 0o700, "g": 0o070, "o": 0o007, "a": 0o777][letter] {
            who |= UInt32(bits)
            rest = rest.dropFirst()
        }
        var changes: [Change] = []
        while let operation = rest.first, "+-=".contains(operation) {
            rest = rest.dropFirst()
            let permissions = rest.prefix { "rwxXstugo".contains($0) }
            rest = rest.dropFirst(permissions.count)
            changes.append(
                .clause(who: who == 0 ? 0o777 : who, operation: operation, permissions: String(permissions)))
        }
        if changes.isEmpty || !rest.isEmpty {
            throw WordError("invalid chmod parameter: '\(text)'. it should be octal string and between 0 and 07777")
        }
        return changes
    }

    package func applied(to mode: UInt32, isDirectory: Bool) -> UInt32 {
        changes.reduce(mode & 0o7777) { mode, change in
            switch change {
            case .set(let number): return number
            case .clause(let who, let operation, let permissions):
                let bits = FileMode.bits(permissions, who: who, of: mode, isDirectory: isDirectory)
                switch operation {
                case "+": return mode | bits
                case "-": return mode & ~bits
                default: return mode & ~(who | FileMode.special(who)) | bits
                }
            }
        }
    }

    /// Set-user-id and set-group-id go with the user's and the group's bits.
    private static func special(_ who: UInt32) -> UInt32 {
        (who & 0o700 != 0 ? 0o4000 : 0) | (who & 0o070 != 0 ? 0o2000 : 0)
    }

    private static func bits(_ permissions: String, who: UInt32, of mode: UInt32, isDirectory: Bool) -> UInt32 {
        permissions.reduce(UInt32(0)) { bits, letter in
            switch letter {
            case "r": bits | who & 0o444
            case "w": bits | who & 0o222
            case "x": bits | who & 0o111
            case "X": isDirectory || mode & 0o111 != 0 ? bits | who & 0o111 : bits
            case "s": bits | special(who)
            case "t": bits | 0o1000
            case "u": bits | who & ((mode >> 6 & 7) * 0o111)
            case "g": bits | who & ((mode >> 3 & 7) * 0o111)
            default: bits | who & ((mode & 7) * 0o111)
            }
        }
    }
}
