// Programs and messages as bytes: what is written is read, and nothing that is read traps.
import BerthLinux
import Testing

@Suite("Launch codec")
struct LaunchCodecTests {
    static let program = LaunchProgram(
        cloneFlags: 0x2c02_0000,
        prepare: [
            .init(.openTree(path: "/srv", slot: 100, recursive: true)), .init(.enterProcessNamespace(slot: 3)),
        ],
        child: [
            .init(.joinTasks(path: "/sys/fs/cgroup/pids/x/tasks")), .init(.enterNamespace(slot: 1)),
            .init(.unshare(flags: 0x0200_0000)),
            .init(.isolateMounts(slave: true)), .init(.attachRoot(slot: 0, staging: "/run/x")),
            .init(.mount(type: "proc", target: "/proc", options: ["hidepid=2"], attributes: 14), ignoring: [2, 22]),
            .init(.attach(slot: 100, target: "/data", isDirectory: true, attributes: 1, propagation: 1 << 18)),
            .init(.makeDirectory(target: "/w", mode: 0o755)),
            .init(.makeFile(target: "/.dockerenv", mode: 0o755, content: [1, 2], userID: 0, groupID: 0)),
            .init(.makeNode(target: "/dev/null", kind: 0x63, mode: 0o666, major: 1, minor: 3, userID: 0, groupID: 0)),
            .init(.symlink(target: "/dev/fd", to: "/proc/self/fd")), .init(.mask(target: "/proc/kcore")),
            .init(.readOnly(target: "/proc/sys")), .init(.setAttributes(target: "/sys/fs/cgroup", attributes: 1)),
            .init(.readOnlyRoot),
            .init(.pivot), .init(.hostname("h")), .init(.domainName("d")), .init(.sysctl(name: "net.a", value: "1")),
            .init(.resourceLimit(resource: 7, soft: 10, hard: .max)), .init(.oomScoreAdjustment(-5)),
            .init(.newSession),
            .init(.terminal(rows: 24, columns: 80, console: true)), .init(.fileMask(0o22)),
            .init(.workingDirectory("/w", create: false)),
            .init(.boundingSet(0xa804_25fb)), .init(.user(userID: 1000, groupID: 1000, groups: [1000, 2000])),
            .init(.capabilities(.max)), .init(.noNewPrivileges), .init(.seccomp([6, 0, 0, 0])), .init(.becomeInit),
            .init(.kernelFile(path: "/proc/self/timens_offsets", value: "monotonic 1 0")),
            .init(.fileSystem(type: "tmpfs", options: ["size=1k"], attributes: 14, slot: 101)),
            .init(.mountAttributes(slot: 101, set: 1, clear: 0x70, propagation: 1 << 19, recursive: true)),
            .init(.propagation(target: "/", flags: 1 << 18, recursive: false)),
            .init(.copyUp(target: "/tmp", slot: 101)), .init(.rendezvous(slot: 1)),
            .init(.hook(path: "/h", arguments: ["h"], environment: ["A=b"], timeoutSeconds: 3, created: true)),
            .init(.lookUp(arguments: ["sh"], environment: ["PATH=/bin"])), .init(.awaitStart(slot: 2)),
            .init(.personality(8)), .init(.ioPriority(0x2000)), .init(.keepCapabilities),
            .init(.capabilitySets(effective: 1, permitted: 3, inheritable: .max, ambient: 0)),
            .init(.filter([6, 0, 0, 0, 0, 0, 0xff, 0x7f], flags: 2)), .init(.moveRoot),
            .init(.execute(arguments: ["a", ""], environment: ["PATH=/bin"])),
        ])

    @Test("every step survives the round trip")
    func program() throws {
        var writer = WireWriter()
        LaunchCodecTests.program.write(to: &writer)
        var reader = WireReader(writer.bytes)
        #expect(try LaunchProgram(from: &reader) == LaunchCodecTests.program)
        #expect(reader.isAtEnd)
    }

    @Test("every message survives the round trip")
    func messages() throws {
        let status = ExitStatus(code: 137, oomKilled: true, startedNanoseconds: 1, finishedNanoseconds: 2)
        let all: [ShimMessage] = [
            .start, .adopt, .bye, .signal(15), .prepareExec(id: "x", tty: true), .startExec(id: "x"),
            .signalExec(id: "x", signal: 9),
            .attach(wantsInput: true), .resize(exec: "", rows: 1, columns: 2), .acknowledgeExit,
            .started(processID: 7, startedNanoseconds: 8), .failed(stage: "s", errno: 2, executing: true),
            .status(processID: 1, startedNanoseconds: 2, keepsakes: ["a", "b"], exit: nil),
            .status(processID: 0, startedNanoseconds: 2, keepsakes: [], exit: status), .exited(status),
            .execStarted(id: "x", processID: 3), .execFailed(id: "x", stage: "s", errno: 13, executing: false),
            .execExited(id: "x", code: 5), .attached, .outOfMemory, .refused("no"),
        ]
        for message in all { #expect(try ShimMessage(decoding: message.encoded) == message) }
    }

    @Test("a start survives the round trip")
    func start() throws {
        var start = ShimStart(containerID: "c", runDirectory: "/r", logFile: "/l", program: LaunchCodecTests.program)
        start.keepsakes = ["sandbox", "network x"]
        start.slotCount = 2
        start.agent = ["/bin/agent", "--data-dir", "/d"]
        #expect(try ShimStart(decoding: start.encoded()) == start)
    }

    @Test("cut and altered bytes are errors, never traps")
    func hostile() {
        var writer = WireWriter()
        LaunchCodecTests.program.write(to: &writer)
        let bytes = writer.bytes
        for length in 0..<bytes.count {
            var reader = WireReader(Array(bytes[..<length]))
            #expect(throws: WireError.self) { try LaunchProgram(from: &reader) }
        }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<2000 {
            var altered = bytes
            for _ in 0..<4 {
                altered[Int.random(in: 0..<altered.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            var reader = WireReader(altered)
            _ = try? LaunchProgram(from: &reader)
            _ = try? ShimMessage(decoding: Array(altered.prefix(64)))
        }
    }
}
