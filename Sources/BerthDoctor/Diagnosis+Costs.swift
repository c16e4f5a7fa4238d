// What a host may lack, at a price.

extension Diagnosis {
    private static let keys: [(controller: String, keys: String)] = [
        ("memory", "mem_limit and memory reservations"), ("cpu", "cpus and cpu_shares"), ("cpuset", "cpuset"),
        ("pids", "pids_limit, so that a fork bomb takes the host down"),
    ]

    static func controllers(_ facts: HostFacts) -> Finding? {
        guard [.pure, .hybrid].contains(facts.cgroups) else { return nil }
        let missing = keys.filter { !facts.controllers.contains($0.controller) }
        if missing.isEmpty { return .fine("controllers", facts.controllers.sorted().joined(separator: " ")) }
        return .warning(
            "controllers", "missing: " + missing.map(\.controller).joined(separator: " "),
            costs: "no " + missing.map(\.keys).joined(separator: ", no "),
            hint: "look for cgroup_disable= on the kernel's command line (Raspberry Pi: add cgroup_enable=memory)")
    }

    static func swap(_ facts: HostFacts) -> Finding? {
        guard let accounts = facts.accountsForSwap else { return nil }
        return accounts
            ? .fine("swap accounting", "on")
            : .warning(
                "swap accounting", "off", costs: "memswap_limit has no effect: containers may swap without bound",
                hint: "boot with swapaccount=1")
    }

    static func firewallProgram(_ facts: HostFacts) -> Finding {
        if let path = facts.nftPath { return .fine("nft", path) }
        return .warning(
            "nft", "not on PATH", costs: "no published ports, and no way out of a container's network",
            hint: "install nftables")
    }

    private static let freeBytesMin: Int64 = 1 << 30

    static func disk(_ facts: HostFacts) -> Finding? {
        guard let free = facts.freeBytes, let size = facts.sizeBytes, size > 0 else { return nil }
        let text = "\(free >> 20) MiB free of \(size >> 20) MiB at \(facts.dataDirectory)"
        if free >= freeBytesMin && free * 20 >= size { return .fine("disk", text) }
        return .warning(
            "disk", text, costs: "pulls, builds and databases will soon fail",
            hint: "berth system df shows what takes space; berth image prune -a gives some back")
    }

    private static let openFilesMin: UInt64 = 65_536

    static func openFiles(_ facts: HostFacts) -> Finding? {
        guard let limit = facts.openFilesMax else { return nil }
        if limit >= openFilesMin { return .fine("open files", "\(limit)") }
        return .warning(
            "open files", "at most \(limit)", costs: "stacks of some hundred containers, and servers with many clients",
            hint: "raise the hard limit (ulimit -Hn, LimitNOFILE=)")
    }

    static func boot(_ facts: HostFacts) -> Finding {
        if facts.hasBootUnit { return .fine("boot", "berth.service brings stacks back") }
        return .warning(
            "boot", facts.hasSystemd ? "berth.service is not installed" : "no systemd",
            costs: "restart policies do not survive a reboot",
            hint: facts.hasSystemd ? "install the package" : "run `berth resume` from a boot script")
    }

    static func userNamespaces(_ facts: HostFacts) -> Finding? {
        if facts.restrictsUserNamespaces == true {
            return .warning(
                "user namespaces", "restricted by AppArmor",
                costs: "programs that make sandboxes of their own (browsers)",
                hint: "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a profile that allows userns")
        }
        guard let most = facts.userNamespacesMax else { return nil }
        if most > 0 { return .fine("user namespaces", "up to \(most)") }
        return .warning(
            "user namespaces", "none allowed", costs: "programs that make sandboxes of their own (browsers)",
            hint: "sysctl user.max_user_namespaces=15000")
    }

    static func modules(_ facts: HostFacts) -> Finding? {
        if facts.enforcesSELinux == true {
            return .warning(
                "security modules", "SELinux enforces",
                costs: "containers run unlabelled, and `:z` and `:Z` on binds change nothing",
                hint: "binds may need a label by hand: chcon -t container_file_t")
        }
        if facts.securityModules.contains("apparmor") {
            return .warning(
                "security modules", "AppArmor is on", costs: "containers run without Docker's AppArmor profile",
                hint: "system call filter, capabilities and masked paths hold without it")
        }
        return facts.securityModules.isEmpty
            ? nil : .fine("security modules", facts.securityModules.joined(separator: " "))
    }

    static func firewalls(_ facts: HostFacts) -> Finding? {
        guard facts.hasFirewalld else {
            return facts.hasUFW ? .fine("firewall", "ufw: stacks pass by its route rules") : nil
        }
        return .warning(
            "firewall", (facts.hasUFW ? "ufw and " : "") + "firewalld is active",
            costs: "its rules for forwarded packets also hold for published ports and for containers' way out",
            hint: "traffic inside a stack never meets it; `up` names the chain where one drops the rest")
    }

    static func engines(_ facts: HostFacts) -> Finding? {
        if facts.otherEngines.isEmpty { return nil }
        let passes = facts.otherEngines.contains("docker") ? ": stacks pass by its chain DOCKER-USER" : ""
        return .fine("other engines", facts.otherEngines.joined(separator: ", ") + passes)
    }
}
