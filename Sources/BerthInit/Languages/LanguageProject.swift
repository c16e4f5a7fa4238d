// What every language says of a project, and what a Dockerfile is made from.

protocol LanguageProject {
    var language: Finding<Language> { get }
    var framework: Finding<String>? { get }
    var version: Finding<String>? { get }
    /// The tool that installs packages, by the file that says so.
    var packageTool: Finding<String>? { get }
    var dependencies: [Dependency] { get }
    /// Where no line of code names one; nil: nothing says that the project listens.
    var usualPort: Finding<Int>? { get }
    /// What a framework answers by itself.
    var usualHealthPath: Finding<String>? { get }
    var remarks: [String] { get }
    /// What the project makes and no image needs.
    var ignored: [String] { get }
    func start(port: Int?) -> Finding<[String]>?
    /// What has to run before, where there is a database.
    var jobs: [ProjectProcess] { get }
    func dockerfile(_ image: ImageFindings) -> String
}

extension LanguageProject {
    var framework: Finding<String>? { nil }
    var usualHealthPath: Finding<String>? { nil }
    var jobs: [ProjectProcess] { [] }
}

/// What the end of a Dockerfile says.
struct ImageFindings {
    var start: [String]?
    var port: Int?
    var healthPath: String?
}

/// Versions that are taken where a project names none.
enum UsualVersion {
    static let python = "3.13"
    static let node = "24"
    static let go = "1.25"
    static let java = "21"
    static let swift = "6.2"
    static let nginx = "1.28-alpine"
    static let debian = "bookworm-slim"
}

extension Finding where Value == String {
    /// A version in a file that holds nothing else.
    static func version(in tree: ProjectTree, _ path: String, usual: String) -> Finding<String>? {
        for line in tree.lines(path) where !CodeScan.isComment(line.text) {
            let text = TextLines.trimmed(line.text)
            if text.isEmpty { continue }
            return VersionRange.choose(text, usual: usual).map { Finding($0, .seen(path, line.number, text)) }
        }
        return nil
    }

    /// The row of asdf's and mise's `.tool-versions`.
    static func toolVersion(in tree: ProjectTree, _ tool: String, usual: String) -> Finding<String>? {
        for line in tree.lines(".tool-versions") {
            let words = line.text.split(separator: " ").map(String.init)
            guard words.count >= 2, words[0] == tool else { continue }
            return VersionRange.choose(words[1], usual: usual).map {
                Finding($0, .seen(".tool-versions", line.number, line.text))
            }
        }
        return nil
    }

    static func usual(_ version: String) -> Finding<String> {
        Finding(version, .assumed("no file names a version"))
    }
}
