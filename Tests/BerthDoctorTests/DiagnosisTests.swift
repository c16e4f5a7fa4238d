// The doctor's judgement of hosts that are made up here: a whole one, and one lack at a time.
import BerthDoctor
import Testing

@Suite("Doctor")
struct DiagnosisTests {
    /// A host that lacks nothing.
    static var whole: HostFacts {
        var facts = HostFacts()
        facts.kernelRelease = "6.12.1-amd64"
        facts.controllers = ["cpu", "cpuset", "io", "memory", "pids"]
        facts.hasDevicePrograms = true
        facts.accountsForSwap = true
        facts.hasSystemd = true
        facts.hasBootUnit = true
        facts.nftPath = "/usr/sbin/nft"
        facts.hasSeccomp = true
        facts.hasOverlay = true
        facts.openFilesMax = 1_048_576
        (facts.freeBytes, facts.sizeBytes, facts.dataDirectory) = (50 << 30, 100 << 30, "/var/lib/berth")
        facts.userNamespacesMax = 15000
        return facts
    }

    static func found(_ name: String, _ change: (inout HostFacts) -> Void) -> Finding? {
        var facts = whole
        change(&facts)
        return Diagnosis.of(facts).findings.first { $0.name == name }
    }

    @Test("a whole host: all is well, and nothing costs anything")
    func healthy() {
        let diagnosis = Diagnosis.of(Self.whole)
        #expect(diagnosis.canRun && diagnosis.findings.count >= 12)
        #expect(diagnosis.findings.allSatisfy { $0.level == .ok && $0.cost.isEmpty && $0.hint.isEmpty })
    }

    static let fatal: [(String, @Sendable (inout HostFacts) -> Void)] = [
        ("rights", { $0.isRoot = false }), ("kernel", { $0.kernelRelease = "5.10.0-9-amd64" }),
        ("kernel", { $0.kernelRelease = "4.19" }), ("cgroups", { $0.cgroups = .none }),
        ("cgroups", { $0.cgroups = .legacy }), ("overlay", { $0.hasOverlay = false }),
        ("seccomp", { $0.hasSeccomp = false }), ("device rules", { $0.hasDevicePrograms = false }),
        ("device rules", { ($0.cgroups, $0.controllers) = (.hybrid, ["memory", "cpu", "cpuset", "pids"]) }),
    ]

    @Test("what berth cannot run without is fatal, and says what to do", arguments: 0..<fatal.count)
    func lacksThatStop(index: Int) throws {
        let (name, change) = Self.fatal[index]
        var facts = Self.whole
        change(&facts)
        #expect(!Diagnosis.of(facts).canRun)
        let finding = try #require(Self.found(name, change))
        #expect(finding.level == .fatal && !finding.cost.isEmpty && !finding.hint.isEmpty, "\(finding)")
    }

    static let costly: [(String, String, @Sendable (inout HostFacts) -> Void)] = [
        ("kernel", "layers", { $0.kernelRelease = "6.1.0-56-cloud-amd64" }),
        ("controllers", "mem_limit", { $0.controllers = ["cpu", "cpuset", "pids"] }),
        ("swap accounting", "memswap_limit", { $0.accountsForSwap = false }),
        ("nft", "published ports", { $0.nftPath = nil }), ("disk", "fail", { $0.freeBytes = 100 << 20 }),
        ("disk", "fail", { ($0.freeBytes, $0.sizeBytes) = (2 << 30, 100 << 30) }),
        ("open files", "clients", { $0.openFilesMax = 1024 }), ("boot", "reboot", { $0.hasBootUnit = false }),
        ("boot", "reboot", { ($0.hasSystemd, $0.hasBootUnit) = (false, false) }),
        ("user namespaces", "browsers", { $0.userNamespacesMax = 0 }),
        ("user namespaces", "browsers", { $0.restrictsUserNamespaces = true }),
        ("security modules", "unlabelled", { $0.enforcesSELinux = true }),
        ("security modules", "AppArmor", { $0.securityModules = ["capability", "apparmor"] }),
        ("firewall", "published ports", { ($0.hasUFW, $0.hasFirewalld) = (true, true) }),
    ]

    @Test("every other lack leaves berth running, and names its price", arguments: 0..<costly.count)
    func lacksThatCost(index: Int) throws {
        let (name, price, change) = Self.costly[index]
        var facts = Self.whole
        change(&facts)
        #expect(Diagnosis.of(facts).canRun)
        let finding = try #require(Self.found(name, change))
        #expect(finding.level == .warning && finding.cost.contains(price) && !finding.hint.isEmpty, "\(finding)")
    }

    @Test("firewalls that leave a place for others cost nothing")
    func doors() {
        #expect(Self.found("firewall") { $0.hasUFW = true }?.level == .ok)
        #expect(Self.found("other engines") { $0.otherEngines = ["docker"] }?.level == .ok)
    }

    @Test("what could not be learnt accuses nobody")
    func unknown() {
        var facts = HostFacts()
        facts.controllers = Self.whole.controllers
        (facts.nftPath, facts.hasBootUnit) = ("/usr/sbin/nft", true)
        #expect(Diagnosis.of(facts).findings.allSatisfy { $0.level == .ok })
        #expect(Self.found("kernel") { $0.kernelRelease = "weird" } == nil)
        #expect(Self.found("firewall") { _ in } == nil && Self.found("other engines") { _ in } == nil)
    }

    @Test(
        "kernels are compared by number",
        arguments: [("5.14.0", true), ("5.9.99", false), ("6.7", true), ("10.1", true)])
    func kernels(release: String, runs: Bool) {
        #expect((Self.found("kernel") { $0.kernelRelease = release }?.level == .fatal) == !runs)
    }
}
