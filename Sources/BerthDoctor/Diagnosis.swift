// The checks, from what berth cannot run without to what is good to know.

package struct Diagnosis: Sendable, Equatable {
    package var findings: [Finding]
    package var canRun: Bool { !findings.contains { $0.level == .fatal } }

    package static func of(_ facts: HostFacts) -> Diagnosis {
        Diagnosis(
            findings: [
                rights(facts), kernel(facts), cgroups(facts), controllers(facts), devices(facts), swap(facts),
                overlay(facts), seccomp(facts), firewallProgram(facts), disk(facts), openFiles(facts), boot(facts),
                userNamespaces(facts), modules(facts), firewalls(facts), engines(facts),
            ].compactMap { $0 })
    }

    // MARK: What berth cannot run without

    private static func rights(_ facts: HostFacts) -> Finding {
        facts.isRoot
            ? .fine("rights", "root")
            : .fatal("rights", "not root", costs: "nothing can be started", hint: "run berth with sudo")
    }

    private static func kernel(_ facts: HostFacts) -> Finding? {
        let numbers = facts.kernelRelease.split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
        guard numbers.count == 2 else { return nil }
        let version = numbers[0] * 1000 + numbers[1]
        if version < 5014 {
            return .fatal(
                "kernel", facts.kernelRelease, costs: "mounts and control groups that berth needs are missing",
                hint: "5.14 or later is needed")
        }
        if version < 6007 {
            return .warning(
                "kernel", facts.kernelRelease, costs: "images of more than about 60 layers cannot be mounted",
                hint: "6.7 and later take any number")
        }
        return .fine("kernel", facts.kernelRelease)
    }

    private static func cgroups(_ facts: HostFacts) -> Finding {
        switch facts.cgroups {
        case .pure: .fine("cgroups", "v2")
        case .hybrid: .fine("cgroups", "v2 for identity, v1 for limits")
        case .legacy, .none:
            .fatal(
                "cgroups", facts.cgroups == .none ? "none are mounted" : "v1 alone",
                costs: "no container can be started",
                hint: "mount the v2 hierarchy, or boot with systemd.unified_cgroup_hierarchy=1")
        }
    }

    private static func overlay(_ facts: HostFacts) -> Finding? {
        guard let has = facts.hasOverlay else { return nil }
        return has
            ? .fine("overlay", "available")
            : .fatal(
                "overlay", "the kernel has no overlay file system", costs: "no image can be mounted",
                hint: "modprobe overlay, or a kernel with CONFIG_OVERLAY_FS")
    }

    private static func seccomp(_ facts: HostFacts) -> Finding? {
        guard let has = facts.hasSeccomp else { return nil }
        return has
            ? .fine("seccomp", "available")
            : .fatal(
                "seccomp", "the kernel has no system call filters",
                costs: "no container starts with the default profile",
                hint: "a kernel with CONFIG_SECCOMP_FILTER, or security_opt: [seccomp:unconfined] for each service")
    }

    private static func devices(_ facts: HostFacts) -> Finding? {
        if facts.cgroups == .hybrid {
            return facts.controllers.contains("devices")
                ? .fine("device rules", "by the v1 controller")
                : .fatal(
                    "device rules", "the devices controller is missing",
                    costs: "a container could open every disk that it makes a node of",
                    hint: "remove cgroup_disable=devices from the kernel's command line")
        }
        guard facts.cgroups == .pure, let has = facts.hasDevicePrograms else { return nil }
        return has
            ? .fine("device rules", "by a program of each group")
            : .fatal(
                "device rules", "the kernel takes no device programs",
                costs: "only privileged containers can be started", hint: "a kernel with CONFIG_CGROUP_BPF")
    }
}
