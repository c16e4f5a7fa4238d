// What comments at the top say: which words are directives, and what `check=` lists.

extension DockerfileDirectives {
    /// `# key=value`; the key in lower case. Nil ends the zone of directives.
    static func read(_ line: String) -> (key: String, value: String)? {
        let trimmed = line.trimmedOfBlanks.unicodeScalars
        guard trimmed.first == "#" else { return nil }
        let rest = trimmed.dropFirst().drop { $0.properties.isWhitespace }
        let key = rest.prefix { $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil) }
        let behind = rest.dropFirst(key.count).drop { $0.properties.isWhitespace }
        guard let first = key.first, first.properties.isAlphabetic, behind.first == "=" else { return nil }
        let value = String(behind.dropFirst()).trimmedOfBlanks
        let name = String(key).lowercased()
        return value.isEmpty || !["syntax", "escape", "check"].contains(name) ? nil : (name, value)
    }

    /// `skip=RULE,RULE;error=true;experimental=RULE`, of the directive or of `BUILDKIT_DOCKERFILE_CHECK`.
    package mutating func readChecks(_ text: String) throws(WordError) {
        for part in text.split(separator: ";", omittingEmptySubsequences: false) {
            let halves = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map { String($0).trimmedOfBlanks }
            guard halves.count == 2 else { throw WordError("invalid check option \"\(part)\"") }
            let names = halves[1].split(separator: ",").map { String($0).trimmedOfBlanks }
            switch halves[0] {
            case "skip" where halves[1] == "all": skipsAllChecks = true
            case "skip": skippedChecks = Set(names)
            case "experimental": experimentalChecks = Set(names)
            case "error":
                guard let flag = GoBool.read(halves[1]) else { throw WordError("invalid check option \"\(part)\"") }
                checksAreErrors = flag
            default: throw WordError("invalid check option \"\(halves[0])\"")
            }
        }
    }

    /// Docker's own front ends, from wherever they are mirrored.
    static func isKnown(syntax: String) -> Bool {
        let name = syntax.split(separator: " ").first ?? ""
        return name.split(separator: "/").suffix(2).joined(separator: "/").hasPrefix("docker/dockerfile")
    }
}

/// The words that Go takes for true and false.
enum GoBool {
    static func read(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "TRUE", "true", "True": true
        case "0", "f", "F", "FALSE", "false", "False": false
        default: nil
        }
    }
}
