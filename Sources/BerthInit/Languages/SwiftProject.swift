// A Swift project: its package, its program.

struct SwiftProject: LanguageProject {
    let language: Finding<Language>
    let framework: Finding<String>?
    let version: Finding<String>?
    let packageTool: Finding<String>?
    let dependencies: [Dependency]
    private(set) var remarks: [String] = []
    let ignored = [".build", ".swiftpm", "DerivedData", "*.xcodeproj"]

    private let program: Finding<String>?
    private let hasLock: Bool
    private let assetDirectories: [String]

    private static let frameworks: [(package: String, title: String)] = [
        ("vapor", "Vapor"), ("hummingbird", "Hummingbird"),
    ]

    static func isOne(_ tree: ProjectTree) -> Bool { tree.has("Package.swift") }

    init(_ tree: ProjectTree) {
        language = Finding(.swift, .seen("Package.swift"))
        let lines = tree.lines("Package.swift").filter { !CodeScan.isComment($0.text) || $0.number == 1 }
        dependencies = SwiftProject.dependencies(lines)
        hasLock = tree.has("Package.resolved")
        packageTool =
            dependencies.isEmpty ? nil : Finding("SwiftPM", .seen(hasLock ? "Package.resolved" : "Package.swift"))
        version = SwiftProject.version(tree, lines)
        let names = dependencies
        framework =
            SwiftProject.frameworks.compactMap { row in
                names.first { $0.name == row.package }.map { Finding(row.title, $0.evidence) }
            }.first
        program = SwiftProject.program(tree, lines)
        assetDirectories = ["Public", "Resources"].filter(tree.directories.contains)
        if !hasLock && !names.isEmpty {
            remarks.append(
                "there is no Package.resolved: two builds may take different packages; swift package resolve makes one")
        }
        if program == nil { remarks.append("Package.swift names no executable: there is nothing to start") }
    }

    private static func dependencies(_ lines: [NumberedLine]) -> [Dependency] {
        lines.compactMap { line in
            guard line.text.place(of: ".package(") != nil, let tail = line.text.tails(after: "url:").first,
                let address = QuotedText.all(in: tail).first
            else { return nil }
            var name = ProjectPath.name(String(address)).lowercased()
            if name.hasSuffix(".git") { name = String(name.dropLast(4)) }
            return Dependency(name: name, evidence: .seen("Package.swift", line.number, address))
        }
    }

    /// The tools' version is the least that will do.
    private static func version(_ tree: ProjectTree, _ lines: [NumberedLine]) -> Finding<String>? {
        if let found = Finding<String>.version(in: tree, ".swift-version", usual: UsualVersion.swift) { return found }
        guard let first = lines.first, let tail = first.text.tails(after: "swift-tools-version:").first else {
            return .usual(UsualVersion.swift)
        }
        let numbers = VersionRange.numbers(TextLines.trimmed(tail)) ?? []
        let least = numbers.prefix(2).map(String.init).joined(separator: ".")
        let chosen = VersionRange.choose(">=\(least)", usual: UsualVersion.swift) ?? UsualVersion.swift
        return Finding(chosen, .seen("Package.swift", first.number, "tools \(least)"))
    }

    /// `.executableTarget(name: "App"`, on one line or on two.
    private static func program(_ tree: ProjectTree, _ lines: [NumberedLine]) -> Finding<String>? {
        for mark in [".executableTarget(", ".executable("] {
            guard let index = lines.firstIndex(where: { $0.text.place(of: mark) != nil }) else { continue }
            for line in lines[index...].prefix(3) {
                guard let tail = line.text.tails(after: "name:").first, let name = QuotedText.all(in: tail).first,
                    !name.isEmpty, name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) })
                else { continue }
                return Finding(String(name), .seen("Package.swift", line.number, line.text))
            }
        }
        return nil
    }

    var usualPort: Finding<Int>? {
        framework.map { Finding(8080, .assumed("usual for \($0.value)")) }
    }

    func start(port: Int?) -> Finding<[String]>? {
        program.map { found in
            var words = ["/app/\(found.value)"]
            if framework?.value == "Vapor" {
                words += ["serve", "--env", "production", "--hostname", "0.0.0.0", "--port", "\(port ?? 8080)"]
            }
            return Finding(words, found.evidence)
        }
    }

    func dockerfile(_ image: ImageFindings) -> String {
        let base = "swift:\(version?.value ?? UsualVersion.swift)"
        let name = program?.value ?? "App"
        let mounts = "--mount=type=cache,target=/root/.cache/org.swift.swiftpm --mount=type=cache,target=/src/.build"
        let build: [String?] = [
            "FROM \(base) AS build", "WORKDIR /src",
            dependencies.isEmpty ? nil : "COPY \(hasLock ? "Package.swift Package.resolved" : "Package.swift") ./",
            dependencies.isEmpty
                ? nil : "RUN \(mounts) \\\n    swift package resolve\(hasLock ? " --force-resolved-versions" : "")",
            "COPY . .",
            "RUN \(mounts) \\\n    " + building(name),
        ]
        let last: [String?] =
            [
                "FROM \(base)-slim", DockerfileText.addsUser, "WORKDIR /app", "COPY --from=build /out ./",
            ] + assetDirectories.map { "COPY \($0) ./\($0)" } + ["USER app"] + DockerfileText.ending(image, .bash)
        return DockerfileText.stages([build, last])
    }

    /// The program and the resources of its targets, out of the cache and into the image.
    private func building(_ name: String) -> String {
        let products = "$(swift build -c release --show-bin-path)"
        return [
            "swift build -c release --static-swift-stdlib --product \(name)", "mkdir /out",
            "cp \"\(products)/\(name)\" /out/",
            "find -L \"\(products)\" -maxdepth 1 -name '*.resources' -exec cp -R {} /out/ \\;",
        ].joined(separator: " \\\n    && ")
    }
}
