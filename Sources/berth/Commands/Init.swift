// `init`: a Dockerfile, a .dockerignore and a stack file for a directory that has none.
import ArgumentParser
import BerthInit
import BerthLinux
import BerthModel

struct Init: QuickCommand {
    static let configuration = subcommand(
        abstract: "Look at a directory, say what it is, write what builds and starts it",
        discussion: """
            Writes Dockerfile, .dockerignore and compose.yaml, with the databases that
            the code speaks to. What is there already is used and never changed.

            Examples:
              berth init                         this directory
              berth init --dry-run api           say and print, write nothing
              berth init --format json           the same for programs
            """)
    @Option(help: "text or json") var format = "text"
    @Argument(help: "The project's directory (default: this one)") var directory: String?

    func validate() throws {
        if !["text", "json"].contains(format) {
            throw ValidationError("unsupported format \"\(format)\": text or json")
        }
    }

    func runAtOnce() throws -> Bool {
        let place = directory ?? GlobalOptions.current.projectDirectory
        let project = try DiskProject(place ?? ".")
        let findings = try ProjectInit.look(at: project, name: project.name)
        let files = ProjectInit.files(findings)
        let isDry = GlobalOptions.current.dryRun
        if !isDry { try NewFiles.write(files, in: project.root) }
        let report = InitReport(findings: findings, files: files, isDry: isDry, directory: place)
        Console.shared.outRaw(format == "json" ? report.json : report.text)
        return true
    }

    func run() async throws {}
}
