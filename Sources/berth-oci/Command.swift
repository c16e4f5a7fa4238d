// One command of the line, carried out; its result is the exit code.
import BerthLinux
import BerthModel
import BerthRuntime

struct Command {
    let line: ParsedLine
    let runtime: BundleRuntime

    init(_ line: ParsedLine) throws {
        self.line = line
        runtime = BundleRuntime(root: line.global["root"]?.last ?? "/run/berth-oci")
        if let format = line.global["log-format"]?.last, !["text", "json", ""].contains(format) {
            throw BerthError(.invalid, "invalid log-format: \(format)")
        }
        for (flag, cause) in Command.refused where line.value(flag).map({ !$0.isEmpty && $0 != "unconfined" }) ?? false
        {
            throw BerthError(.unsupported, "\(line.command) --\(flag)", subject: flag, cause: cause)
        }
        let manages = ["create", "run"].contains(line.command)
        if manages, let flag = line.global["systemd-cgroup"]?.last, flag != "false" {
            throw BerthError(
                .unsupported, "--systemd-cgroup", cause: "control groups are made directly: use the cgroupfs driver")
        }
    }

    /// Known to the grammar, and nothing that this runtime could honour.
    private static let refused: KeyValuePairs<String, String> = [
        "apparmor": "apparmor profiles are not supported", "process-label": "selinux is not supported",
        "cgroup": "a program joins the container's own group", "pidfd-socket": "no descriptor of the process is sent",
        "cpu-rt-period": "real-time scheduling is not changed",
        "cpu-rt-runtime": "real-time scheduling is not changed",
    ]

    func run() throws -> Int32 {
        switch line.command {
        case "create": try create()
        case "run": return try runForeground()
        case "start": try runtime.start(try id())
        case "state": try state()
        case "kill": try kill()
        case "delete": try runtime.delete(try id(), force: line.has("force"))
        case "exec": return try exec()
        case "ps": try processes()
        case "list": try list()
        case "pause": try runtime.setFrozen(try id(), true)
        case "resume": try runtime.setFrozen(try id(), false)
        case "update": try update()
        case "events": try events()
        case "spec": try writeSpec()
        case "features": try printLine(Features.document)
        case "version": try printLine("berth-oci version \(BerthVersion.text)\nspec: 1.2.0")
        default: try printLine(Command.help)
        }
        return 0
    }

    static let help = """
        berth-oci runs containers from OCI bundles, with the command line of runc.

        usage: berth-oci [--root DIR] [--log FILE] [--log-format text|json] COMMAND [flags] ID

        commands: create start state kill delete run exec ps list pause resume update events spec features
        """

    func id() throws -> String {
        guard let id = line.arguments.first else {
            throw BerthError(
                .invalid, "\(line.command): \"berth-oci \(line.command)\" requires a minimum of 1 argument")
        }
        return id
    }

    private func request(_ id: String, terminalSocket: Int32) throws -> BundleRuntime.CreateRequest {
        let bundle = line.value("bundle") ?? EnvironmentVariables.workingDirectory
        var request = BundleRuntime.CreateRequest(id: id, bundle: bundle)
        request.pidFile = line.value("pid-file")
        request.pivots = !line.has("no-pivot")
        request.terminalSocket = terminalSocket
        request.preservedDescriptors = line.value("preserve-fds").flatMap { Int($0) } ?? 0
        return request
    }

    private func create() throws {
        let socket = try console()
        _ = try runtime.create(try request(try id(), terminalSocket: socket?.number ?? -1))
        withExtendedLifetime(socket) {}
    }

    private func console() throws -> SharedDescriptor? {
        try line.value("console-socket").map { SharedDescriptor(try PacketSocket.connect($0, stream: true)) }
    }

    /// Create, start, wait, delete; detached, the waiting and deleting is left to others.
    private func runForeground() throws -> Int32 {
        let id = try id()
        let given = try console()
        let detached = line.has("detach")
        let bundle = line.value("bundle") ?? EnvironmentVariables.workingDirectory
        let spec = try BundleDocument.decode(BundleSpec.self, "\(bundle)/config.json")
        let relays = !detached && given == nil && (spec.process?.terminal ?? false)
        let pair = relays ? try PacketSocket.pair() : nil
        let socket = given ?? pair?.1
        let record = try runtime.create(try request(id, terminalSocket: socket?.number ?? -1))
        do {
            try runtime.start(id)
        } catch {
            try? runtime.delete(id, force: true)
            throw error
        }
        if detached { return 0 }
        let code = try ForegroundWait.run(record.processID, master: try Command.master(pair?.0))
        if !line.has("keep") { try runtime.delete(id, force: true) }
        return code
    }

    static func master(_ socket: SharedDescriptor?) throws -> SharedDescriptor? {
        guard let socket else { return nil }
        return try PacketSocket.receive(socket.number, wait: false).descriptors.first
    }

    private func state() throws {
        let record = try runtime.store.read(try id())
        let version = (try? runtime.store.spec(record.id).ociVersion) ?? "1.2.0"
        try printLine(
            BundleDocument.state(record, version, runtime.store.status(record).rawValue, extra: true))
    }

    private func kill() throws {
        let name = line.arguments.count > 1 ? line.arguments[1] : "SIGTERM"
        guard let number = Signal.number(name) ?? (name == "0" ? 0 : nil) else {
            throw BerthError(.invalid, "unknown signal \"\(name)\"")
        }
        try runtime.kill(try id(), number, all: line.has("all"))
    }

    private func exec() throws -> Int32 {
        do {
            return try ExecCommand(self).run()
        } catch {
            // As other runtimes say that the program itself never ran.
            let cause = (error as? BerthError)?.description ?? "\(error)"
            throw BerthError(.invalid, "exec failed: \(cause)", exitCode: 255)
        }
    }
}
