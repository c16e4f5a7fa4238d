// A Java or Kotlin project that Maven or Gradle builds.

struct JavaProject: LanguageProject {
    enum Tool { case maven, gradle }
    /// What the build leaves to be started.
    enum Product: Equatable {
        /// One archive with everything in it.
        case archive
        /// Classes and the archives that they need.
        case classes(main: String)
        /// A script with its archives, by the name of the project.
        case distribution
    }

    let language: Finding<Language>
    let framework: Finding<String>?
    let version: Finding<String>?
    let packageTool: Finding<String>?
    let dependencies: [Dependency]
    private(set) var remarks: [String] = []
    let ignored = ["**/target", "**/build", ".gradle", "**/*.class"]

    let tool: Tool
    let hasWrapper: Bool
    /// Copied before everything else.
    let manifests: [String]
    let directories: [String]
    let product: Product
    private let main: Finding<String>?
    private let hasActuator: Bool

    static func isOne(_ tree: ProjectTree) -> Bool {
        tree.first("pom.xml", "build.gradle", "build.gradle.kts") != nil
    }

    init(_ tree: ProjectTree, _ scan: CodeScan) {
        let path = tree.first("pom.xml", "build.gradle", "build.gradle.kts") ?? "pom.xml"
        language = Finding(.java, .seen(path))
        tool = path == "pom.xml" ? .maven : .gradle
        let lines = tree.lines(path)
        let found = tool == .maven ? JavaPackages.maven(lines, path) : JavaPackages.gradle(lines, path)
        dependencies = found
        packageTool = Finding(tool == .maven ? "Maven" : "Gradle", .seen(path))
        version = JavaPackages.version(lines, path) ?? .usual(UsualVersion.java)
        // The wrapper's own directory is not looked into: its script stands for it.
        hasWrapper = tree.has(tool == .maven ? "mvnw" : "gradlew")
        let gradle = ["settings.gradle", "settings.gradle.kts", "gradle.properties", "gradle.lockfile"].filter(tree.has)
        let wrapper = hasWrapper ? [tool == .maven ? "mvnw" : "gradlew"] : []
        manifests = wrapper + [path] + (tool == .gradle ? gradle : [])
        directories = [tool == .maven && hasWrapper ? ".mvn" : nil, tool == .gradle ? "gradle" : nil].compactMap { $0 }
            .filter(tree.directories.contains)
        hasActuator = found.contains { $0.name == "spring-boot-starter-actuator" }
        let text = lines.map(\.text).joined(separator: "\n")
        let isSpring = text.place(of: "org.springframework.boot") != nil
        framework =
            isSpring
            ? Finding(
                "Spring Boot",
                .seen(path, tree.line(of: "org.springframework.boot", in: path), "org.springframework.boot"))
            : nil
        main = JavaPackages.main(scan)
        product = JavaProject.product(text, tool, main?.value, isSpring: isSpring)
        if !isSpring && main == nil { remarks.append("no class has a main method: there is nothing to start") }
        if text.place(of: "<modules>") != nil {
            remarks.append("pom.xml has modules: correct the paths in the Dockerfile to the one that is started")
        }
    }

    private static func product(_ text: String, _ tool: Tool, _ main: String?, isSpring: Bool) -> Product {
        if isSpring
            || text.contains(anyOf: [
                "maven-shade-plugin", "maven-assembly-plugin", "com.gradleup.shadow", "johnrengelman.shadow",
            ])
        {
            return .archive
        }
        if tool == .gradle {
            let hasApplication = text.contains(anyOf: [
                "'application'", "\"application\"", "    application\n", "id(\"application\")",
            ])
            return hasApplication ? .distribution : .archive
        }
        return main.map { .classes(main: $0) } ?? .archive
    }

    var usualPort: Finding<Int>? {
        framework.map { Finding(8080, .assumed("usual for \($0.value)")) }
    }

    var usualHealthPath: Finding<String>? {
        guard hasActuator else { return nil }
        let evidence = dependencies.first { $0.name == "spring-boot-starter-actuator" }?.evidence
        return Finding("/actuator/health", evidence ?? .assumed("usual for Spring Boot"))
    }

    func start(port: Int?) -> Finding<[String]>? {
        switch product {
        case .archive:
            let evidence = main?.evidence ?? language.evidence
            return framework != nil || main != nil ? Finding(["java", "-jar", "app.jar"], evidence) : nil
        case .classes(let name):
            return Finding(["java", "-cp", "classes:lib/*", name], main?.evidence ?? language.evidence)
        case .distribution: return Finding(["/app/bin/app"], main?.evidence ?? language.evidence)
        }
    }
}
