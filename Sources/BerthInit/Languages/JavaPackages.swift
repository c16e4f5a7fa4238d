// What pom.xml and build.gradle say, read line by line: artifacts, the release, and the class with a main method.

enum JavaPackages {
    /// `<artifactId>name</artifactId>` of dependencies.
    static func maven(_ lines: [NumberedLine], _ path: String) -> [Dependency] {
        var isInside = false
        var found: [Dependency] = []
        for line in lines {
            if line.text.place(of: "<dependency>") != nil { isInside = true }
            if isInside, let name = element("artifactId", line.text) {
                found.append(Dependency(name: name.lowercased(), evidence: .seen(path, line.number, name)))
            }
            if line.text.place(of: "</dependency>") != nil { isInside = false }
        }
        return found
    }

    static func element(_ name: String, _ line: Substring) -> String? {
        guard let tail = line.tails(after: "<\(name)>").first, let end = tail.firstIndex(of: "<") else { return nil }
        return TextLines.trimmed(tail[..<end])
    }

    private static let configurations = ["implementation", "runtimeOnly", "api", "compile", "developmentOnly"]

    /// `implementation("group:name:version")`
    static func gradle(_ lines: [NumberedLine], _ path: String) -> [Dependency] {
        lines.compactMap { line in
            let text = line.text.drop { $0 == " " || $0 == "\t" }
            guard configurations.contains(where: { text.hasPrefix($0) }) else { return nil }
            guard let words = QuotedText.all(in: text).first?.split(separator: ":"), words.count >= 2 else {
                return nil
            }
            return Dependency(name: words[1].lowercased(), evidence: .seen(path, line.number, "\(words[1])"))
        }
    }

    /// The release that the code is for: of those that have a long life the first that runs it, or just that one where
    /// the build insists.
    static func version(_ lines: [NumberedLine], _ path: String) -> Finding<String>? {
        let elements = ["java.version", "maven.compiler.release", "maven.compiler.source", "release"]
        let exact = ["JavaLanguageVersion.of(", "jvmToolchain("]
        let least = ["JavaVersion.VERSION_", "sourceCompatibility"]
        for line in lines {
            var text = elements.compactMap { element($0, line.text) }.first
            if text == nil, let tail = (exact + least).compactMap({ line.text.tails(after: $0).first }).first {
                text = String(tail.drop { !$0.isNumber })
            }
            guard var text else { continue }
            if text.hasPrefix("1.") || text.hasPrefix("1_") { text = String(text.dropFirst(2)) }
            guard let release = VersionRange.numbers(text)?.first else { continue }
            let insists = line.text.contains(anyOf: exact)
            let chosen = insists ? release : [8, 11, 17, 21, 25].first { $0 >= release }
            return chosen.map { Finding("\($0)", .seen(path, line.number, line.text)) }
        }
        return nil
    }

    /// `package.Class` of the uppermost file with a main method.
    static func main(_ scan: CodeScan) -> Finding<String>? {
        for file in scan.files where file.path.hasSuffix(".java") || file.path.hasSuffix(".kt") {
            let isKotlin = file.path.hasSuffix(".kt")
            let marks = isKotlin ? ["fun main("] : ["static void main(", "void main("]
            guard let line = file.lines.first(where: { $0.text.contains(anyOf: marks) }) else { continue }
            let package = file.lines.first { $0.text.hasPrefix("package ") }?.text.dropFirst(8)
                .prefix { $0 != ";" && $0 != " " }
            let name = ProjectPath.name(file.path).split(separator: ".").first.map(String.init) ?? ""
            let parts = [package.map(String.init), isKotlin ? "\(name)Kt" : name].compactMap { $0 }
            let isName = parts.allSatisfy {
                $0.utf8.allSatisfy { byte in
                    byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$")
                        || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte
                        || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                        || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
                }
            }
            if !isName { continue }
            return Finding(parts.joined(separator: "."), .seen(file.path, line.number, line.text))
        }
        return nil
    }
}
