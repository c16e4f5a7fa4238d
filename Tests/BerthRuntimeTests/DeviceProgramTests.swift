// The kernel with device programs of ours, on the v2 tree that every host has. Needs root.
import BerthLinux
import BerthTesting
import Foundation
import Testing

@testable import BerthModel
@testable import BerthRuntime

@Suite("Device programs in the kernel", .serialized)
struct DeviceProgramTests {
    /// A group of a test's own on the v2 tree, as a pure v2 host has it.
    final class Group {
        let root: String
        let parent = "berth-test-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
        let id = String(repeating: "a", count: 64)
        let tree: CgroupV2
        var path: String { "\(root)/\(parent)/\(id)" }

        init() throws {
            root = try #require(try CgroupMounts.read("/proc/self/mountinfo").unified)
            tree = CgroupV2(root: root, parent: parent)
        }

        deinit {
            try? tree.remove(id)
            tree.removeParent()
        }

        /// What a shell in the group prints.
        func shell(_ script: String) throws -> String {
            let process = Foundation.Process()
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", "echo 0 >\(path)/cgroup.procs; \(script)"]
            let pipe = Pipe()
            process.standardOutput = pipe
            process.standardError = pipe
            try process.run()
            let output = pipe.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return String(decoding: output, as: UTF8.self)
        }
    }

    /// A disk that is there on no machine: without the rules its opening fails otherwise.
    private static func probe(_ directory: TemporaryDirectory) -> String {
        let disk = directory.path("disk")
        return """
            head -c1 /dev/zero | wc -c; : >/dev/null && echo null
            mknod \(disk) b 240 7 && echo made; head -c1 \(disk) 2>&1; rm -f \(disk)
            """
    }

    @Test("a stack's container: standard nodes work, nodes can be made, a disk cannot be opened unless it is given")
    func stack() throws {
        let directory = try TemporaryDirectory()
        let group = try Group()
        try group.tree.create(group.id, limits: Resources(), devices: .defaults)
        let denied = try group.shell(Self.probe(directory))
        #expect(denied.hasPrefix("1\nnull\nmade\n") && denied.contains("Operation not permitted"), "\(denied)")
        try group.tree.remove(group.id)

        var rules = DeviceRules.defaults
        rules.allowed.append("b 240:* r")
        try group.tree.create(group.id, limits: Resources(), devices: rules)
        let given = try group.shell(Self.probe(directory))
        #expect(given.contains("No such device") && !given.contains("not permitted"), "\(given)")
        try group.tree.remove(group.id)

        try group.tree.create(group.id, limits: Resources(), devices: DeviceRules(allowsEverything: true, allowed: []))
        #expect(try group.shell(Self.probe(directory)).contains("No such device"), "privileged")
    }

    @Test("a bundle's rules; others replace them in one step, and nothing opens in between")
    func bundle() throws {
        let directory = try TemporaryDirectory()
        let group = try Group()
        try group.tree.create(group.id, limits: Resources(), devices: DeviceRules(allowsEverything: true, allowed: []))
        let bundle = BundleCgroup(path: "/\(group.parent)/\(group.id)", mounts: CgroupMounts(unified: group.root))
        try bundle.applyDevices([])
        #expect(try group.shell(Self.probe(directory)).contains("Operation not permitted"))
        // One that opens a forbidden disk for as long as the rules are replaced.
        let disk = directory.path("disk")
        let stop = directory.path("stop")
        let watch = Foundation.Process()
        watch.executableURL = URL(fileURLWithPath: "/bin/sh")
        let counted = directory.path("counted")
        watch.arguments = [
            "-c",
            """
            mknod \(disk) b 240 7; echo 0 >\(group.path)/cgroup.procs; n=0
            while [ ! -e \(stop) ]; do
                case $( { : <\(disk); } 2>&1 ) in *"not permitted"*) n=$((n+1));; *) echo opened >\(counted); exit;; esac
                [ $n = 1 ] && : >\(directory.path("begun"))
            done; echo $n >\(counted)
            """,
        ]
        try watch.run()
        while watch.isRunning && !FileManager.default.fileExists(atPath: directory.path("begun")) { sched_yield() }
        for round in 0..<200 {
            try bundle.applyDevices([.init(allow: true, type: "c", major: 10, minor: Int64(round), access: "r")])
        }
        try directory.write("stop", "")
        watch.waitUntilExit()
        #expect(try FileIO.readText(counted) != "opened\n")
        try bundle.applyDevices([.init(allow: true, type: "b", major: 240, minor: nil, access: "rwm")])
        #expect(try group.shell(Self.probe(directory)).contains("No such device"), "one program is in force, not all")
    }
}
