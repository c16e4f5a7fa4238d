// `COPY --parents`: files under the whole way to them, or the part of it behind `/./`.
import BerthLinux
import BerthModel

struct ParentsSelection {
    let tree: CopyTree

    /// Sources whose names are the ways that are kept.
    func sources(_ words: [String]) throws -> [SelectedSource] {
        var found: [SelectedSource] = []
        for word in words {
            let (base, pattern) = ParentsSelection.split(word)
            if !pattern.contains("**") {
                for source in try CopySelection(tree: tree).sources("\(base)/\(pattern)") {
                    found.append(named(source.place, base))
                }
                continue
            }
            let matcher = IgnorePatterns([pattern])
            for entry in try tree.walk(base.isEmpty ? "/" : base).dropFirst() where matcher.matches(entry.path) {
                if entry.status.kind == .directory { continue }
                found.append(SelectedSource(place: "\(base)/\(entry.path)", name: entry.path))
            }
        }
        return found
    }

    private func named(_ place: String, _ base: String) -> SelectedSource {
        let name = place.hasPrefix(base + "/") ? String(place.dropFirst(base.count + 1)) : String(place.dropFirst())
        return SelectedSource(place: place, name: name)
    }

    /// What stands before `/./`, and what behind it is kept.
    private static func split(_ word: String) -> (base: String, pattern: String) {
        let text = word.hasPrefix("./") ? String(word.dropFirst(2)) : word
        if let range = text.firstRange(of: "/./") {
            return (
                PathText.absolute(String(text[..<range.lowerBound]), below: "/"), String(text[range.upperBound...])
            )
        }
        return ("", text.hasPrefix("/") ? String(text.dropFirst()) : text)
    }
}
