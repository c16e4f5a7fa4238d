// The life of a bundle's container by single commands: states, hooks, limits, exec, what is left, what is refused.
import BerthLinux
import BerthTesting
import Foundation
import Testing

@Suite("OCI runtime: life of a container", .serialized)
struct LifeTests {
    private func status(_ runtime: Runtime, _ id: String) throws -> String? {
        let bytes = Data(try runtime.run("state", id).output.utf8)
        return (try? JSONSerialization.jsonObject(with: bytes) as? [String: Any])?["status"] as? String
    }

    @Test("created, running, paused, stopped, gone; nothing is left")
    func states() throws {
        let bundle = try TestBundle("sleep 1000")
        let runtime = Runtime.berth(in: bundle.directory)
        try bundle.with(runtime) { () throws in
            let pidFile = bundle.directory.path("pid")
            #expect(try runtime.run("create", "--bundle", bundle.path, "--pid-file", pidFile, bundle.id).code == 0)
            #expect(try status(runtime, bundle.id) == "created")
            #expect(try runtime.run("create", "--bundle", bundle.path, bundle.id).errors.contains("already exists"))
            #expect(try runtime.run("start", bundle.id).code == 0)
            #expect(try runtime.run("start", bundle.id).code == 1)
            #expect(try status(runtime, bundle.id) == "running")
            #expect(try runtime.run("list", "-q").output == "\(bundle.id)\n")
            #expect(try runtime.run("pause", bundle.id).code == 0)
            #expect(try status(runtime, bundle.id) == "paused")
            #expect(try runtime.run("exec", bundle.id, "id").code == 255)
            #expect(try runtime.run("resume", bundle.id).code == 0)
            #expect(try runtime.run("delete", bundle.id).code == 1)
            let pid = Int32(try FileIO.readText(pidFile)) ?? 0
            #expect(try runtime.run("ps", "--format", "json", bundle.id).output.contains("\(pid)"))
            #expect(try runtime.run("kill", bundle.id, "KILL").code == 0)
            #expect(try runtime.run("delete", "--force", bundle.id).code == 0)
            #expect(try runtime.run("state", bundle.id).errors.contains("does not exist"))
            #expect(try Directory.names(runtime.root).isEmpty)
            let group = try? FileStatus.of("/sys/fs/cgroup/pids/\(bundle.id)")
            #expect(group == nil)
        }
    }

    @Test("exec gives the program's code, environment, user and directory; 255 where it never ran")
    func exec() throws {
        let bundle = try TestBundle("sleep 1000")
        for runtime in Runtime.all(in: bundle.directory).prefix(2) {
            try bundle.with(runtime) { () throws in
                #expect(try runtime.run("run", "--detach", "--bundle", bundle.path, bundle.id).code == 0)
                let result = try runtime.run(
                    "exec", "--user", "12:13", "--env", "A=b", "--cwd", "/tmp", bundle.id, "sh", "-c",
                    "id -u; id -g; echo $A; pwd; grep CapBnd /proc/self/status; exit 9")
                #expect(result.code == 9)
                #expect(result.output.hasPrefix("12\n13\nb\n/tmp\nCapBnd:\t0000000020000420"), "\(result)")
                let missing = try runtime.run("exec", bundle.id, "nosuch")
                #expect(missing.code == 255 && missing.errors.contains("executable file not found in $PATH"))
            }
        }
    }

    @Test("hooks run in their order and places, with the state as input; a failing one ends the launch")
    func hooks() throws {
        let bundle = try TestBundle("cat /dev/shm/inside; exit 0")
        let log = bundle.directory.path("hooks")
        func hook(_ script: String) -> [[String: Any]] { [["path": "/bin/sh", "args": ["sh", "-c", script]]] }
        var all: [String: Any] = ["startContainer": hook("grep -c '\"created\"' > /dev/shm/inside")]
        for phase in ["prestart", "createRuntime", "createContainer", "poststart", "poststop"] {
            all[phase] = hook("echo \(phase) $(grep -o '\"status\": \"[a-z]*\"') >> \(log)")
        }
        try bundle.set("hooks", all)
        let runtime = Runtime.berth(in: bundle.directory)
        let result = try bundle.run(runtime)
        #expect(result == Outcome(code: 0, output: "1\n", errors: ""))
        let lines = try FileIO.readText(log).split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        #expect(lines.map { $0[0] } == ["prestart", "createRuntime", "createContainer", "poststart", "poststop"])
        #expect(lines.map { $0[2] } == ["creating", "creating", "creating", "running", "stopped"].map { "\"\($0)\"" })
        try bundle.set("hooks", ["createRuntime": hook("exit 3")])
        #expect(try bundle.run(runtime).code == 1)
        #expect(try Directory.names(runtime.root).isEmpty)
    }

    private func value(_ bundle: TestBundle, _ file: String) throws -> String {
        try FileIO.readText("/sys/fs/cgroup/\(file.replacingOccurrences(of: "ID", with: bundle.id))")
    }

    @Test("limits are set, changed, and refused where the host lacks them")
    func limits() throws {
        let bundle = try TestBundle("sleep 1000")
        try bundle.set("linux.resources.memory", ["limit": 67_108_864])
        try bundle.set("linux.resources.pids", ["limit": 33])
        let runtime = Runtime.berth(in: bundle.directory)
        try bundle.with(runtime) { () throws in
            #expect(try runtime.run("run", "-d", "-b", bundle.path, bundle.id).code == 0)
            #expect(try value(bundle, "memory/ID/memory.limit_in_bytes") == "67108864\n")
            #expect(try value(bundle, "pids/ID/pids.max") == "33\n")
            #expect(try runtime.run("update", "--pids-limit", "44", bundle.id).code == 0)
            #expect(try value(bundle, "pids/ID/pids.max") == "44\n")
            #expect(try runtime.run("events", "--stats", bundle.id).output.contains("\"limit\":67108864"))
        }
    }

    @Test(
        "without rules a bundle has the standard devices alone, as runc gives them; a rule opens one; update replaces all"
    )
    func devices() throws {
        let bundle = try TestBundle("sleep 1000")
        let runtime = Runtime.berth(in: bundle.directory)
        let list = { try value(bundle, "devices/ID/devices.list").split(separator: "\n").sorted() }
        try bundle.set("linux.resources", [:])
        try bundle.with(runtime) { () throws in
            #expect(try runtime.run("run", "-d", "-b", bundle.path, bundle.id).code == 0)
            let ours = try list()
            #expect(ours.contains("c 1:3 rwm") && !ours.contains("a *:* rwm"), "\(ours)")
            let rules = bundle.directory.path("rules")
            try bundle.directory.write(
                "rules", "{\"devices\":[{\"allow\":true,\"type\":\"b\",\"major\":240,\"minor\":7,\"access\":\"r\"}]}")
            #expect(try runtime.run("update", "--resources", rules, bundle.id).code == 0)
            #expect(try list() == (ours + ["b 240:7 r"]).sorted())
        }
        try bundle.set("linux.resources", ["devices": [["allow": true, "type": "x", "access": "rwm"]]])
        let refused = try bundle.run(runtime)
        #expect(refused.code != 0 && refused.errors.contains("'x *:* rwm'"), "\(refused)")
    }

    @Test("events tells of a kill for lack of memory, and ends with the container")
    func memoryEvents() throws {
        let bundle = try TestBundle("busybox head -c 200000000 /dev/zero | busybox tail; exit 0")
        try bundle.set("linux.resources.memory", ["limit": 33_554_432, "swap": 33_554_432])
        let runtime = Runtime.berth(in: bundle.directory)
        try bundle.with(runtime) { () throws in
            #expect(try runtime.run("create", "-b", bundle.path, bundle.id).code == 0)
            let watcher = Foundation.Process()
            let output = bundle.directory.path("events")
            FileManager.default.createFile(atPath: output, contents: nil)
            watcher.executableURL = URL(fileURLWithPath: runtime.path)
            watcher.arguments = ["--root", runtime.root, "events", "--interval", "60s", bundle.id]
            watcher.standardOutput = FileHandle(forWritingAtPath: output)
            try watcher.run()
            while watcher.isRunning, try FileIO.readText(output).isEmpty { sched_yield() }
            #expect(try runtime.run("start", bundle.id).code == 0)
            watcher.waitUntilExit()
            let lines = try FileIO.readText(output)
            #expect(lines.contains("{\"type\":\"oom\",\"id\":\"\(bundle.id)\"}"), "\(lines)")
            #expect(lines.contains("\"throttling\":{\"periods\":"), "\(lines)")
        }
    }

    @Test("a hostile root leads nowhere: links in it are resolved inside, and a link is no place for proc")
    func hostileRoot() throws {
        let bundle = try TestBundle("echo reached > /out/file; cat /out/file")
        let canary = bundle.directory.path("canary")
        try Directory.make(canary, mode: 0o755)
        let root = bundle.directory.path("bundle/rootfs")
        try FileManager.default.createSymbolicLink(atPath: "\(root)/out", withDestinationPath: canary)
        try Directory.make(root + canary, mode: 0o755)
        var mounts = bundle.config["mounts"] as? [[String: Any]] ?? []
        mounts.append(["destination": "/out", "type": "tmpfs", "source": "tmpfs", "options": ["nodev"]])
        try bundle.set("mounts", mounts)
        let runtime = Runtime.berth(in: bundle.directory)
        #expect(try bundle.run(runtime).output == "reached\n")
        #expect(try Directory.names(canary).isEmpty)
        try FileManager.default.createSymbolicLink(atPath: "\(root)/proc2", withDestinationPath: "/data")
        try bundle.set("mounts", [["destination": "/proc2", "type": "proc", "source": "proc"]])
        #expect(try bundle.run(runtime).code == 1)
    }

    @Test("what cannot be honoured is said in one sentence and leaves nothing")
    func refusals() throws {
        let bundle = try TestBundle("exit 0")
        let runtime = Runtime.berth(in: bundle.directory)
        try bundle.set("linux.sysctl", ["kernel.panic": "1"])
        #expect(try bundle.run(runtime).errors.contains("is not in a separate kernel namespace"))
        try bundle.set("linux.sysctl", [:])
        try bundle.set("process.args", ["/nosuch"])
        #expect(try bundle.run(runtime).errors.contains("no such file or directory"))
        for words in [
            ["exec", "--apparmor", "mine", "x", "id"], ["exec", "--cgroup", "/y", "x", "id"],
            ["update", "--cpu-rt-period", "1000", "x"], ["create", "--pidfd-socket", "/s", "x"],
        ] {
            let refused = try runtime.run(words)
            #expect(refused.code != 0 && refused.errors.contains(words[1]), "\(words): \(refused)")
        }
        let log = bundle.directory.path("log")
        #expect(try runtime.run("--log", log, "--log-format", "json", "state", "nosuch").code == 1)
        #expect(try FileIO.readText(log).contains("\"msg\":\"container does not exist\""))
        let left = (try? Directory.names(runtime.root)) ?? []
        #expect(left.isEmpty)
    }
}
