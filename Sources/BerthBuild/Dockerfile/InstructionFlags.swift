// Flags of an instruction: which there are, and what they say.
import BerthModel

struct InstructionFlags {
    private let flags: [(name: String, value: String?)]
    private let instruction: String
    private let place: SourcePlace

    init(_ words: [String], _ instruction: String, _ place: SourcePlace) {
        flags = words.map { word in
            let halves = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(halves.first ?? ""), halves.count == 2 ? String(halves[1]) : nil)
        }
        self.instruction = instruction
        self.place = place
    }

    /// - Parameter lists: those that may stand more than once.
    func check(_ known: [String], lists: [String] = []) throws(DockerfileError) {
        var seen: Set<String> = []
        for flag in flags {
            guard known.contains(flag.name) else {
                let near = Nearest.word(to: flag.name, among: known)
                throw DockerfileError(
                    place, "unknown flag: --\(flag.name) of \(instruction)",
                    suggestion: near.map { "did you mean --\($0)?" })
            }
            if !seen.insert(flag.name).inserted && !lists.contains(flag.name) {
                throw DockerfileError(place, "duplicate flag specified: --\(flag.name)")
            }
        }
    }

    func value(_ name: String) throws(DockerfileError) -> String? {
        guard let flag = flags.first(where: { $0.name == name }) else { return nil }
        guard let value = flag.value else { throw DockerfileError(place, "missing a value on flag: --\(name)") }
        return value
    }

    func values(_ name: String) throws(DockerfileError) -> [String] {
        var values: [String] = []
        for flag in flags where flag.name == name {
            guard let value = flag.value else { throw DockerfileError(place, "missing a value on flag: --\(name)") }
            values.append(value)
        }
        return values
    }

    func flag(_ name: String) throws(DockerfileError) -> Bool? {
        guard let flag = flags.first(where: { $0.name == name }) else { return nil }
        switch flag.value?.lowercased() {
        case nil, "true": return true
        case "false": return false
        case "": throw DockerfileError(place, "missing a value on flag: --\(name)", suggestion: "true or false")
        default:
            throw DockerfileError(
                place, "expecting boolean value for flag --\(name), not: \(flag.value ?? "")",
                suggestion: "true or false")
        }
    }
}

/// The word that was probably meant.
enum Nearest {
    static func word(to text: String, among words: [String]) -> String? {
        let lower = Array(text.lowercased().utf8.prefix(64))
        let limit = max(1, min(2, lower.count / 2))
        let near = words.map { (word: $0, distance: distance(lower, Array($0.lowercased().utf8))) }
        return near.filter { $0.distance <= limit }.min { ($0.distance, $0.word) < ($1.distance, $1.word) }?.word
    }

    /// Insertions, deletions, replacements and letters in the wrong order between two words.
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var rows = [Array(0...b.count)]
        for i in a.indices {
            var row = [i + 1]
            for j in b.indices {
                var least = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { least = min(least, rows[i - 1][j - 1] + 1) }
                row.append(least)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
