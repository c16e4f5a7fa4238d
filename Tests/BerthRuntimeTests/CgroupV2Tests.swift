// Pure v2 on directory trees: which files get which values, which controllers are passed on, whose processes move.
import BerthLinux
import BerthModel
import BerthTesting
import Testing

@testable import BerthRuntime

@Suite("Control groups of v2, on directory trees")
struct CgroupV2Tests {
    /// A tree with the files that the kernel would make.
    final class Tree {
        let directory: TemporaryDirectory
        var root: String { directory.path }

        init(_ groups: String..., controllers: String = "cpuset cpu io memory pids") throws {
            directory = try TemporaryDirectory("berth-cgroup")
            for group in [""] + groups {
                try Directory.make(directory.path(group), mode: 0o755)
                for file in ["cgroup.subtree_control", "cgroup.procs", "cgroup.freeze", "cgroup.kill"] {
                    try directory.write("\(group)/\(file)", "")
                }
                try directory.write("\(group)/cgroup.controllers", controllers + "\n")
            }
        }

        func text(_ path: String) throws -> String { try FileIO.readText(directory.path(path)) }
    }

    static func limits(_ change: (inout Resources) -> Void) -> [String] {
        var resources = Resources()
        change(&resources)
        return CgroupV2Limits.settings(resources).map { "\($0.file)=\($0.value)" }
    }

    @Test("limits are these writes")
    func settings() {
        #expect(Self.limits { _ in } == [])
        #expect(Self.limits { $0.memoryLimitBytes = 100 } == ["memory.max=100", "memory.swap.max=100"])
        #expect(
            Self.limits { ($0.memoryLimitBytes, $0.memorySwapLimitBytes) = (100, 100) }
                == ["memory.max=100", "memory.swap.max=0"])
        #expect(
            Self.limits { ($0.memoryLimitBytes, $0.memorySwapLimitBytes) = (100, -1) }
                == ["memory.max=100", "memory.swap.max=max"])
        #expect(
            Self.limits { ($0.memoryLimitBytes, $0.memorySwapLimitBytes) = (100, 150) }
                == ["memory.max=100", "memory.swap.max=50"])
        #expect(Self.limits { $0.memoryReservationBytes = 7 } == ["memory.low=7"])
        #expect(Self.limits { $0.nanoCPUs = 1_500_000_000 } == ["cpu.max=150000 100000"])
        #expect(
            Self.limits { ($0.cpuQuotaMicroseconds, $0.cpuPeriodMicroseconds) = (5000, 20000) }
                == ["cpu.max=5000 20000"])
        #expect(Self.limits { $0.cpuQuotaMicroseconds = -1 } == [])
        #expect(Self.limits { $0.cpuset = "0-1" } == ["cpuset.cpus=0-1"])
        #expect(Self.limits { $0.processLimit = 50 } == ["pids.max=50"])
        #expect(Self.limits { $0.processLimit = -1 } == [])
    }

    @Test(
        "shares become weights: ends, the middle and the default",
        arguments: [(2, 1), (262_144, 10000), (1024, 100), (0, 1), (1 << 40, 10000)])
    func weights(shares: Int, weight: Int) { #expect(CgroupValues.weight(shares: shares) == weight) }

    @Test("weights rise with shares and stay in their range")
    func weightsRise() {
        let weights = stride(from: 2, through: 262_144, by: 97).map { CgroupValues.weight(shares: $0) }
        #expect(weights == weights.sorted() && weights.allSatisfy { (1...10000).contains($0) })
    }

    @Test("only what is there and not yet passed on is passed on")
    func controllers() {
        #expect(CgroupV2Limits.missing(available: "cpu memory\n", enabled: "memory\n") == ["cpu"])
        #expect(CgroupV2Limits.missing(available: "", enabled: "") == [])
        #expect(CgroupV2Limits.missing(available: "cpuset rdma misc hugetlb io", enabled: "") == ["cpuset", "io"])
        #expect(CgroupV2Limits.missing(available: "cpu cpuset", enabled: "cpuset") == ["cpu"], "no part of a word")
    }

    @Test("every level down to the parent passes its controllers on; a group's own does not")
    func levels() throws {
        let id = String(repeating: "c", count: 64)
        let tree = try Tree("a.slice", "a.slice/b.service", "a.slice/b.service/berth-1", controllers: "memory")
        try tree.directory.write("a.slice/cgroup.subtree_control", "memory\n")
        try Directory.make(tree.directory.path("a.slice/b.service/berth-1/\(id)"))
        let groups = CgroupV2(root: tree.root, parent: "a.slice/b.service/berth-1")
        var limits = Resources()
        limits.memoryReservationBytes = 4096
        try tree.directory.write("a.slice/b.service/berth-1/\(id)/memory.low", "")
        try groups.create(id, limits: limits, devices: DeviceRules(allowsEverything: true, allowed: []))
        for level in ["", "a.slice/b.service", "a.slice/b.service/berth-1"] {
            #expect(try tree.text("\(level)/cgroup.subtree_control") == "+memory", "\(level)")
        }
        #expect(try tree.text("a.slice/cgroup.subtree_control") == "memory\n", "what is enabled is left alone")
        #expect(try tree.text("a.slice/b.service/berth-1/\(id)/memory.low") == "4096")
        #expect(groups.list() == [id])
        #expect(groups.killFile(id) == "\(tree.root)/a.slice/b.service/berth-1/\(id)/cgroup.kill")
    }

    @Test("a limit whose controller is missing is an error that names it, and leaves no group; swap may be missing")
    func missing() throws {
        let id = String(repeating: "d", count: 64)
        let tree = try Tree("berth-1")
        let groups = CgroupV2(root: tree.root, parent: "berth-1")
        var limits = Resources()
        limits.processLimit = 9
        #expect { try groups.create(id, limits: limits, devices: .defaults) } throws: {
            "\($0)".contains("pids.max to 9")
        }
        #expect(groups.list() == [])
        limits = Resources()
        limits.memoryLimitBytes = 4096
        try Directory.make(tree.directory.path("berth-1/\(id)"))
        try tree.directory.write("berth-1/\(id)/memory.max", "")
        try groups.create(id, limits: limits, devices: DeviceRules(allowsEverything: true, allowed: []))
        #expect(try tree.text("berth-1/\(id)/memory.max") == "4096")
    }

    @Test("freezing, thawing and counting")
    func use() throws {
        let id = String(repeating: "e", count: 64)
        let tree = try Tree("berth-1", "berth-1/\(id)")
        let groups = CgroupV2(root: tree.root, parent: "berth-1")
        try groups.setFrozen(id, true)
        #expect(try tree.text("berth-1/\(id)/cgroup.freeze") == "1")
        try groups.setFrozen(id, false)
        #expect(try tree.text("berth-1/\(id)/cgroup.freeze") == "0")
        let files = [
            "memory.current": "5000\n", "memory.max": "max\n", "memory.stat": "anon 1\ninactive_file 1000\n",
            "pids.current": "3\n", "io.stat": "8:0 rbytes=10 wbytes=20 rios=1\n8:16 rbytes=1 wbytes=2\n",
            "cpu.stat": "usage_usec 7\nnr_periods 9\nnr_throttled 4\nthrottled_usec 5\n",
        ]
        for (name, text) in files { try tree.directory.write("berth-1/\(id)/\(name)", text) }
        var wanted = CgroupUsage()
        (wanted.memoryBytes, wanted.processCount, wanted.cpuNanoseconds) = (4000, 3, 7000)
        (wanted.readBytes, wanted.writtenBytes) = (11, 22)
        (wanted.quotaPeriods, wanted.throttledPeriods, wanted.throttledNanoseconds) = (9, 4, 5000)
        #expect(groups.usage(id) == wanted)
        #expect(groups.usage(String(repeating: "f", count: 64)) == CgroupUsage(), "what is gone uses nothing")
    }

    @Test("whoever is in a delegated group moves to a leaf; an empty one is left alone")
    func delegation() throws {
        let tree = try Tree("b.service", "b.service/agent", "empty.service")
        try tree.directory.write("b.service/cgroup.procs", "4711\n")
        try CgroupDelegation.vacate(tree.directory.path("b.service"))
        #expect(try tree.text("b.service/agent/cgroup.procs") == "4711")
        try CgroupDelegation.vacate(tree.directory.path("empty.service"))
        #expect(try !Directory.names(tree.directory.path("empty.service")).contains("agent"))
    }
}
