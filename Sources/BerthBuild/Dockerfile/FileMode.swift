// `--chmod`: octal digits, or the letters of chmod(1) as BSD's setmode(3) reads them.

package struct FileMode: Sendable, Equatable {
    private enum Change: Sendable, Equatable {
        case set(UInt32)
        case add(UInt32)
        case remove(UInt32)
        /// Only of a directory, or where something was executable before.
        case addIfExecutable(UInt32)
        /// The permissions of one of three (6, 3, 0: how far its bits are shifted) to those in `who`.
        case copy(shift: UInt32, who: UInt32, operation: Unicode.Scalar)
    }

    private var changes: [Change] = []
    /// For keys: two texts that are the same change are the same.
    package let text: String

    /// All but the sticky bit.
    private static let standard: UInt32 = 0o6777
    private static let sticky: UInt32 = 0o1000

    package static func parse(_ text: String) throws(WordError) -> FileMode {
        if text.utf8.first != UInt8(ascii: "+"), let number = UInt32(text, radix: 8) {
            if number > 0o7777 { throw invalid(text) }
            var mode = FileMode(text: String(number, radix: 8))
            mode.changes = [.set(number)]
            return mode
        }
        var mode = FileMode(text: text)
        var rest = text.unicodeScalars[...]
        while true {
            let who = FileMode.who(&rest)
            var count = 0
            while let operation = rest.first, "+-=".unicodeScalars.contains(operation) {
                rest = rest.dropFirst()
                mode.read(operation, who, &rest)
                count += 1
            }
            if count == 0 { throw invalid(text) }
            guard let comma = rest.popFirst() else { return mode }
            if comma != "," { throw invalid(text) }
        }
    }

    private init(text: String) { self.text = text }

    private static func invalid(_ text: String) -> WordError {
        WordError(
            "invalid chmod parameter: '\(text)'. it should be octal string and between 0 and 07777, or symbolic, "
                + "such as u=rwX,go=rX")
    }

    // MARK: Reading

    /// The bits that are meant; 0: all, and none was written.
    private static func who(_ rest: inout Substring.UnicodeScalarView) -> UInt32 {
        var who: UInt32 = 0
        while let letter = rest.first {
            switch letter {
            case "u": who |= 0o4700
            case "g": who |= 0o2070
            case "o": who |= 0o0007
            case "a": who |= standard
            default: return who
            }
            rest = rest.dropFirst()
        }
        return who
    }

    /// What follows one of `+`, `-` and `=`.
    private mutating func read(
        _ operation: Unicode.Scalar, _ who: UInt32, _ rest: inout Substring.UnicodeScalarView
    ) {
        var who = who
        var bits: UInt32 = 0
        var executable: UInt32 = 0
        var hasCopied = false
        let hasMoreThanOthers = who == 0 || who & ~0o0007 != 0
        while let letter = rest.first {
            switch letter {
            case "r": bits |= 0o444
            case "w": bits |= 0o222
            case "x": bits |= 0o111
            case "X": executable = operation == "-" ? 0 : 0o111
            case "s": bits |= hasMoreThanOthers ? 0o6000 : 0
            case "t" where hasMoreThanOthers:
                if who != 0 { who |= FileMode.sticky }
                bits |= FileMode.sticky
            case "t": break
            case "u", "g", "o":
                if bits != 0 || executable != 0 { finish(operation, who, bits, executable) }
                bits = 0
                executable = 0
                hasCopied = true
                changes.append(
                    .copy(
                        shift: letter == "u" ? 6 : letter == "g" ? 3 : 0, who: who & 0o777, operation: operation))
            default:
                finish(operation, who, bits, executable, isNeeded: !hasCopied)
                return
            }
            rest = rest.dropFirst()
        }
        finish(operation, who, bits, executable, isNeeded: !hasCopied)
    }

    private mutating func finish(
        _ operation: Unicode.Scalar, _ who: UInt32, _ bits: UInt32, _ executable: UInt32, isNeeded: Bool = true
    ) {
        let meant = who == 0 ? FileMode.standard | FileMode.sticky : who
        if bits != 0 || operation == "=" && isNeeded {
            if operation == "=" { changes.append(.remove(who == 0 ? FileMode.standard : who)) }
            changes.append(operation == "-" ? .remove(bits & meant) : .add(bits & meant))
        }
        if executable != 0 { changes.append(.addIfExecutable(executable & meant)) }
    }

    // MARK: Applying

    package func applied(to mode: UInt32, isDirectory: Bool) -> UInt32 {
        let before = mode & 0o7777
        return changes.reduce(before) { mode, change in
            switch change {
            case .set(let bits): return bits
            case .add(let bits): return mode | bits
            case .remove(let bits): return mode & ~bits
            case .addIfExecutable(let bits): return isDirectory || before & 0o111 != 0 ? mode | bits : mode
            case .copy(let shift, let who, let operation):
                let meant = who == 0 ? 0o777 : who
                let bits = ((mode >> shift & 7) * 0o111) & meant
                switch operation {
                case "+": return mode | bits
                case "-": return mode & ~bits
                default: return mode & ~meant | bits
                }
            }
        }
    }
}
