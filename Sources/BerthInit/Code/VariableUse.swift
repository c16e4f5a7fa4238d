// Where code asks its environment for a variable, and what it takes where there is none.

struct VariableUse: Equatable {
    var name: String
    var fallback: String?

    /// What stands before a name. Where a parenthesis or a bracket ends it, the name is in quotes.
    private static let marks = [
        "process.env.", "process.env[", "Bun.env.", "Deno.env.get(", "os.environ[", "environ.get(", "getenv(",
        "Getenv(", "LookupEnv(", "Environment.get(", ".environment[", "env(", "env.str(", "env.int(", "env.bool(",
        "env.db(", "env.url(", "env.db_url(", "env.cache(", "env.list(", "config(", "environ[",
    ]

    static func find(in line: Substring, path: String) -> [VariableUse] {
        var found: [VariableUse] = []
        for mark in marks {
            for tail in line.tails(after: mark) {
                guard let use = use(tail, isQuoted: !mark.hasSuffix(".")),
                    !found.contains(where: { $0.name == use.name })
                else { continue }
                found.append(use)
            }
        }
        let isSettings = path.hasSuffix(".properties") || path.hasSuffix(".yml") || path.hasSuffix(".yaml")
        if isSettings || path.hasSuffix(".java") || path.hasSuffix(".kt") {
            found += line.tails(after: "${").compactMap(placeholder)
        }
        return found
    }

    private static func use(_ tail: Substring, isQuoted: Bool) -> VariableUse? {
        var rest = tail
        var name: Substring
        if isQuoted {
            guard let text = QuotedText.leading(rest) else { return nil }
            name = text
            rest = rest[text.endIndex...].dropFirst()
        } else {
            name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
            rest = rest.dropFirst(name.count)
        }
        guard isName(String(name)) else { return nil }
        return VariableUse(name: String(name), fallback: fallback(rest))
    }

    /// `, "value"`, `|| value`, `?? "value"`, after what closes the question.
    private static func fallback(_ text: Substring) -> String? {
        var rest = text.drop { ")]! ".contains($0) }
        guard let sign = [",", "||", "??"].first(where: { rest.hasPrefix($0) }) else { return nil }
        rest = rest.dropFirst(sign.count).drop { $0 == " " }
        if rest.hasPrefix("default=") { rest = rest.dropFirst(8) }
        if let text = QuotedText.leading(rest) { return String(text) }
        let number = rest.prefix { $0.isASCII && $0.isNumber }
        return number.isEmpty ? nil : String(number)
    }

    /// `${NAME}` and `${NAME:value}` as Spring has them.
    private static func placeholder(_ tail: Substring) -> VariableUse? {
        guard let end = tail.lastIndex(of: "}") else { return nil }
        let inside = tail[..<end]
        let name = inside.prefix { $0 != ":" && $0 != "}" }
        guard isName(String(name)) else { return nil }
        let value = inside.dropFirst(name.count).prefix { $0 != "}" }
        return VariableUse(name: String(name), fallback: value.hasPrefix(":") ? String(value.dropFirst()) : nil)
    }

    /// Names as environments have them: in capitals.
    static func isName(_ text: String) -> Bool {
        guard text.count >= 2, text.count <= 80, let first = text.first, first.isASCII, !first.isNumber else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "_")
        }
    }
}

/// Fields of pydantic's settings are variables too, by their names in capitals.
struct SettingsClass {
    private var isInside = false

    mutating func field(_ line: Substring) -> String? {
        if line.hasPrefix("class ") {
            isInside = line.place(of: "BaseSettings") != nil
            return nil
        }
        guard isInside, line.hasPrefix("    "), !line.hasPrefix("     ") else {
            if let first = line.first, !first.isWhitespace { isInside = false }
            return nil
        }
        let name = line.dropFirst(4).prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        guard line.dropFirst(4 + name.count).hasPrefix(":"), name != "model_config" else { return nil }
        let variable = name.uppercased()
        return VariableUse.isName(variable) ? variable : nil
    }
}
