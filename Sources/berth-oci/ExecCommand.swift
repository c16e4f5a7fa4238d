// `exec`: what to run from a document or from flags, and how to wait for it.
import BerthLinux
import BerthModel
import BerthRuntime

struct ExecCommand {
    private let command: Command
    private var line: ParsedLine { command.line }

    init(_ command: Command) { self.command = command }

    func run() throws -> Int32 {
        let id = try command.id()
        var process = try process(id)
        let detached = line.has("detach")
        let given = try line.value("console-socket").map {
            SharedDescriptor(try PacketSocket.connect($0, stream: true))
        }
        if given != nil { process.terminal = true }
        let relays = (process.terminal ?? false) && given == nil
        if relays && detached {
            throw BerthError(.invalid, "cannot allocate tty if runc will detach without setting console socket")
        }
        let pair = relays ? try PacketSocket.pair() : nil
        var request = BundleRuntime.ExecRequest(id: id, process: process)
        request.ignoresPause = line.has("ignore-paused")
        request.preservedDescriptors = line.value("preserve-fds").flatMap { Int($0) } ?? 0
        request.terminalSocket = (given ?? pair?.1)?.number ?? -1
        let processID = try command.runtime.exec(request)
        withExtendedLifetime((given, pair)) {}
        if let path = line.value("pid-file") {
            try FileIO.replace(path, Array("\(processID)".utf8), mode: 0o644, durable: false)
        }
        if detached { return 0 }
        return try ForegroundWait.run(processID, master: try Command.master(pair?.0))
    }

    private func process(_ id: String) throws -> BundleSpec.Process {
        if let path = line.value("process") { return try BundleDocument.decode(BundleSpec.Process.self, path) }
        guard line.arguments.count > 1 else { throw BerthError(.invalid, "process args cannot be empty") }
        // What is not asked for is as in the main process, but for its terminal and its time to live.
        var process = try command.runtime.store.spec(id).process ?? BundleSpec.Process()
        process.args = Array(line.arguments.dropFirst())
        process.terminal = line.has("tty")
        process.oomScoreAdj = nil
        if let cwd = line.value("cwd") { process.cwd = cwd }
        if line.has("no-new-privs") { process.noNewPrivileges = true }
        process.env = (process.env ?? []) + line.list("env")
        if let user = line.value("user") {
            let parts = user.split(separator: ":", omittingEmptySubsequences: false)
            guard let uid = UInt32(parts[0]), let gid = parts.count > 1 ? UInt32(parts[1]) : process.user?.gid ?? 0
            else { throw BerthError(.invalid, "parsing \(user) as a uid or uid:gid") }
            var changed = process.user ?? BundleSpec.User()
            (changed.uid, changed.gid) = (uid, gid)
            process.user = changed
        }
        let groups = line.list("additional-gids").flatMap { $0.split(separator: ",") }.compactMap { UInt32($0) }
        if !groups.isEmpty {
            var changed = process.user ?? BundleSpec.User()
            changed.additionalGids = (changed.additionalGids ?? []) + groups
            process.user = changed
        }
        let added = line.list("cap")
        if !added.isEmpty {
            var sets = process.capabilities ?? BundleSpec.Capabilities()
            sets.bounding = (sets.bounding ?? []) + added
            sets.effective = (sets.effective ?? []) + added
            sets.permitted = (sets.permitted ?? []) + added
            process.capabilities = sets
        }
        return process
    }
}
