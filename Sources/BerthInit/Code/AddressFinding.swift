// Addresses of databases in code and examples.

struct AddressFinding {
    var kind: DatabaseKind
    var text: String
    var evidence: Evidence

    static func find(in line: NumberedLine, path: String) -> [AddressFinding] {
        var found: [AddressFinding] = []
        for tail in line.text.tails(after: "://") {
            let before = line.text[..<tail.startIndex].dropLast(3)
            let scheme = String(before.reversed().prefix { $0.isLetter || $0.isNumber || "+:".contains($0) }.reversed())
            guard let kind = kind(ofScheme: scheme) else { continue }
            let rest = tail.prefix { !$0.isWhitespace && !"\"'`,)<>".contains($0) }
            let text = "\(scheme)://\(rest)"
            found.append(
                AddressFinding(kind: kind, text: text, evidence: .seen(path, line.number, shown(scheme, rest))))
        }
        if found.isEmpty, let kind = provider(line.text, path) {
            found.append(AddressFinding(kind: kind, text: "", evidence: .seen(path, line.number, line.text)))
        }
        return found
    }

    /// `postgresql+asyncpg`, `jdbc:mysql`
    static func kind(ofScheme scheme: String) -> DatabaseKind? {
        var base = scheme.lowercased()[...]
        for prefix in ["jdbc:", "r2dbc:"] where base.hasPrefix(prefix) { base = base.dropFirst(prefix.count) }
        if base == "mongodb+srv" { return .mongo }
        let name = String(base.split(separator: "+").first ?? "")
        return DatabaseKind.allCases.first { $0.schemes.contains(name) }
    }

    /// What Prisma's and Django's settings say instead of an address.
    private static func provider(_ line: Substring, _ path: String) -> DatabaseKind? {
        if path.hasSuffix(".prisma") {
            guard TextLines.trimmed(line).hasPrefix("provider") else { return nil }
            let name = QuotedText.all(in: line).first.map(String.init) ?? ""
            return kind(ofScheme: name)
        }
        guard path.hasSuffix(".py") else { return nil }
        let engines: [(String, DatabaseKind)] = [
            ("django.db.backends.postgresql", .postgres), ("django.db.backends.mysql", .mysql),
            ("django.contrib.gis.db.backends.postgis", .postgres),
        ]
        return engines.first { line.place(of: $0.0) != nil }?.1
    }

    /// Without what may be a password.
    private static func shown(_ scheme: String, _ rest: Substring) -> String {
        let place = rest.lastIndex(of: "@").map { rest[rest.index(after: $0)...] } ?? rest
        return "\(scheme)://\(place)"
    }
}
