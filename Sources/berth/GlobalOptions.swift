// Options that stand before the subcommand.
import ArgumentParser
import BerthLinux
import BerthModel
import Synchronization

struct GlobalOptions: ParsableArguments {
    @Option(name: [.customShort("f"), .customLong("file")], help: "Stack file; repeatable, later files override")
    var files: [String] = []
    @Option(name: [.customShort("p"), .customLong("project-name")], help: "Stack name")
    var projectName: String?
    @Option(help: "Profile to activate; repeatable") var profile: [String] = []
    @Option(help: "File with variables for the stack file; repeatable") var envFile: [String] = []
    @Option(help: "Directory that relative paths start from") var projectDirectory: String?
    @Option(help: "Colours: auto, always or never") var ansi = "auto"
    @Option(help: "Progress: auto, tty, plain, json or quiet") var progress: String?
    @Flag(help: "Print the plan and do nothing") var dryRun = false
    @Flag(help: "Keep networks and volumes that no service uses") var allResources = false
    @Flag(help: .hidden) var compatibility = false
    @Option(help: .hidden) var parallel: Int?
    @Option(help: "Where state is kept (default /var/lib/berth)") var dataDir: String?
    @Option(help: "Where sockets are kept (default /run/berth)") var runDir: String?

    private static let shared = Mutex(GlobalOptions())
    static var current: GlobalOptions {
        get { shared.withLock { $0 } }
        set { shared.withLock { $0 = newValue } }
    }

    private static let withValue: Set<String> = [
        "-f", "--file", "-p", "--project-name", "--profile", "--env-file", "--project-directory", "--ansi",
        "--progress", "--parallel",
        "--data-dir", "--run-dir",
    ]
    private static let flags: Set<String> = ["--dry-run", "--compatibility", "--all-resources"]

    /// Everything up to the first word that is no option of ours; `--dry-run` is taken behind the subcommand too.
    static func split(_ arguments: [String]) throws -> (GlobalOptions, [String]) {
        var own: [String] = []
        var rest = arguments[...]
        while let word = rest.first {
            let name = word.split(separator: "=", maxSplits: 1).first.map(String.init) ?? word
            if flags.contains(word) {
                own.append(word)
                rest = rest.dropFirst()
            } else if withValue.contains(name) {
                own.append(word)
                rest = rest.dropFirst()
                if name == word, let value = rest.first {
                    own.append(value)
                    rest = rest.dropFirst()
                }
            } else {
                break
            }
        }
        var remaining = Array(rest)
        // Behind `exec` and `run` the words belong to the program inside.
        if let command = remaining.first, command != "exec", command != "run",
            let index = remaining.firstIndex(of: "--dry-run")
        {
            remaining.remove(at: index)
            own.append("--dry-run")
        }
        return (try GlobalOptions.parse(own), remaining)
    }

    var dataRoot: String { dataDir ?? EnvironmentVariables.value("BERTH_DATA_DIR") ?? "/var/lib/berth" }
    var runRoot: String { runDir ?? EnvironmentVariables.value("BERTH_RUN_DIR") ?? "/run/berth" }
}
