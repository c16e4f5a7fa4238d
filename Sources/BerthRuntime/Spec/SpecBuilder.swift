// From a container's record to its OCI runtime spec, with Docker's defaults to the letter.
import BerthLinux
import BerthModel

/// What is known only once the root is prepared.
package struct SpecInput: Sendable {
    package var record: ContainerRecord
    package var user: ContainerUser
    /// Host paths by container path: generated files, materials, volumes, binds.
    package var binds: [RuntimeSpec.Mount]
    package var cgroupMounts: [RuntimeSpec.Mount]
    package var availableCapabilities: UInt64
    /// True: the network namespace is the container's own, so its sysctls may be set.
    package var ownsNetwork: Bool
    /// Namespaces joined instead of made, by type; the path names a slot.
    package var joined: [String: String]
    /// `host` modes, by type.
    package var hostNamespaces: Set<String>
    /// Per processor: what tells other tenants of the machine how hot it is.
    package var thermalPaths: [String] = []
}

package enum SpecBuilder {
    package static func build(_ input: SpecInput) throws -> RuntimeSpec {
        let service = input.record.service
        let security = try SecurityOptions(service.securityOptions, service: service.name)
        let capabilities = try CapabilityNames.set(
            adding: service.capabilitiesAdded, dropping: service.capabilitiesDropped, privileged: service.privileged,
            available: input.availableCapabilities, service: service.name)
        let arguments = try self.arguments(input.record)
        let process = RuntimeSpec.Process(
            terminal: service.tty,
            user: .init(uid: input.user.userID, gid: input.user.groupID, additionalGids: input.user.groups),
            args: arguments, env: environment(input.record, home: input.user.home),
            cwd: service.workingDirectory ?? nonEmpty(input.record.imageExecution.WorkingDir) ?? "/",
            capabilities: (0..<64).filter { capabilities & (1 << UInt64($0)) != 0 }.map { "\($0)" },
            rlimits: try limits(service), noNewPrivileges: security.noNewPrivileges,
            oomScoreAdj: service.oomScoreAdjustment)
        try refuseProcessFiles(input)
        let masks = service.privileged || security.unconfinedPaths
        let linux = RuntimeSpec.Linux(
            namespaces: namespaces(input), devices: try devices(service),
            sysctl: try sysctls(input), maskedPaths: masks ? [] : DefaultPaths.masked + input.thermalPaths,
            readonlyPaths: masks ? [] : DefaultPaths.readOnly, rootfsPropagation: "rprivate",
            usesDefaultSeccomp: !service.privileged && !security.unconfinedSeccomp)
        let usesHostNames = input.hostNamespaces.contains("uts") || input.joined["uts"] != nil
        return RuntimeSpec(
            process: process, root: .init(path: "rootfs", readonly: service.readOnlyRoot),
            hostname: usesHostNames ? "" : hostname(input.record), domainname: usesHostNames ? nil : service.domainName,
            mounts: mounts(input), linux: linux)
    }

    package static func hostname(_ record: ContainerRecord) -> String { record.service.hostname ?? record.id.short }

    /// Entrypoint and command: the service's entrypoint drops the image's command.
    static func arguments(_ record: ContainerRecord) throws -> [String] {
        let image = record.imageExecution
        let entrypoint = record.service.entrypoint ?? image.Entrypoint ?? []
        let command = record.service.command ?? (record.service.entrypoint == nil ? image.Cmd ?? [] : [])
        let all = entrypoint + command
        if all.isEmpty || all[0].isEmpty {
            throw BerthError(
                .invalid, "creating container \(record.name)", subject: record.service.name,
                cause: "no command specified",
                hint: "image \(record.imageReference) has neither CMD nor ENTRYPOINT; give the service a command")
        }
        return all
    }

    /// Docker's order: PATH, HOSTNAME, TERM, then the image's, then the service's; HOME by the user unless given.
    static func environment(_ record: ContainerRecord, home: String) -> [String] {
        var order: [String] = []
        var values: [String: String] = [:]
        func set(_ key: String, _ value: String?) {
            guard let value else {
                values[key] = nil
                order.removeAll { $0 == key }
                return
            }
            if values[key] == nil { order.append(key) }
            values[key] = value
        }
        set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        set("HOSTNAME", hostname(record))
        if record.service.tty { set("TERM", "xterm") }
        for pair in record.imageExecution.Env ?? [] {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            set(parts[0], parts.count == 2 ? parts[1] : nil)
        }
        for key in record.service.environment.keys.sorted() { set(key, record.service.environment[key] ?? nil) }
        if (values["HOME"] ?? "").isEmpty { set("HOME", home.isEmpty ? "/" : home) }
        return order.compactMap { key in values[key].map { "\(key)=\($0)" } }
    }

    private static func nonEmpty(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }

    private static func namespaces(_ input: SpecInput) -> [RuntimeSpec.Namespace] {
        ["pid", "network", "mount", "ipc", "uts", "cgroup"].compactMap { type in
            if input.hostNamespaces.contains(type) { return nil }
            return RuntimeSpec.Namespace(type, path: input.joined[type])
        }
    }

    /// `ulimits`; for programs beside the main process too.
    static func limits(_ service: Service) throws -> [RuntimeSpec.Process.Limit] {
        try service.ulimits.keys.sorted().map { name in
            guard let limit = service.ulimits[name], let resource = ResourceLimit.number(name) else {
                throw BerthError(
                    .invalid, "creating service \(service.name)", subject: name,
                    cause: "there is no limit named \"\(name)\"")
            }
            let soft = limit.soft < 0 ? UInt64.max : UInt64(limit.soft)
            let hard = limit.hard < 0 ? UInt64.max : UInt64(limit.hard)
            let own = ResourceLimit.ownHardLimit(resource)
            if hard > own && !ResourceLimit.canRaise {
                throw BerthError(
                    .denied, "creating service \(service.name)", subject: name,
                    cause:
                        "ulimit \(name) asks for a hard limit of \(hard == .max ? "unlimited" : "\(hard)"), and this host allows berth at most \(own)",
                    hint: "lower the limit, or give berth CAP_SYS_RESOURCE")
            }
            return RuntimeSpec.Process.Limit(type: name, soft: soft, hard: hard)
        }
    }

    /// /proc is the container's view of the kernel, and what we set up goes through it: nothing is mounted over it but
    /// the host's own and what other programs are known to replace.
    private static func refuseProcessFiles(_ input: SpecInput) throws {
        for mount in input.binds where ProcessFiles.isInside(mount.destination) {
            if ProcessFiles.mayBeCovered(mount.destination) { continue }
            if mount.destination == "/proc" && mount.type == "bind" && mount.source == "/proc" { continue }
            throw BerthError(
                .invalid, "creating service \(input.record.service.name)", subject: mount.destination,
                cause: "\(mount.destination) cannot be mounted because it is inside /proc",
                hint: "mount it somewhere else; an image's VOLUME there needs another image")
        }
    }

    private static func sysctls(_ input: SpecInput) throws -> [String: String] {
        var all: [String: String] = [:]
        if input.ownsNetwork {
            all["net.ipv4.ip_unprivileged_port_start"] = "0"
            all["net.ipv4.ping_group_range"] = "0 2147483647"
        }
        for (name, value) in input.record.service.sysctls {
            let isOwn = SysctlRules.isAllowed(
                name, ownsNetwork: input.ownsNetwork, ownsIPC: !input.hostNamespaces.contains("ipc"))
            guard isOwn, !value.contains("\n") else {
                throw BerthError(
                    .invalid, "creating service \(input.record.service.name)", subject: name,
                    cause: isOwn
                        ? "the value of sysctl \(name) has more than one line"
                        : "sysctl \(name) is not one that a container has for itself",
                    hint: "net.* with a network of its own; fs.mqueue.* and kernel.{sem,shm*,msg*} unless ipc is host")
            }
            all[name] = value
        }
        return all
    }

    private static func devices(_ service: Service) throws -> [RuntimeSpec.Device] {
        var all = DefaultPaths.devices
        for mapping in service.devices {
            let status: FileStatus
            do {
                status = try FileStatus.of(mapping.source)
            } catch {
                throw BerthError(
                    .notFound, "creating service \(service.name)", subject: mapping.source,
                    cause: "device \(mapping.source): \(error)", hint: "is the device there, and its driver loaded?")
            }
            guard status.kind == .characterDevice || status.kind == .blockDevice else {
                throw BerthError(
                    .invalid, "creating service \(service.name)", subject: mapping.source,
                    cause: "\(mapping.source) is not a device node")
            }
            all.append(
                .init(
                    type: status.kind == .characterDevice ? "c" : "b", path: mapping.target, major: status.deviceMajor,
                    minor: status.deviceMinor, fileMode: status.mode, uid: status.userID, gid: status.groupID))
        }
        return all
    }

    /// Defaults, then the service's; a mount at the same place replaces, a mount of /dev drops what lay below.
    private static func mounts(_ input: SpecInput) -> [RuntimeSpec.Mount] {
        let service = input.record.service
        let shm = service.shmSizeBytes ?? 67_108_864
        var all: [RuntimeSpec.Mount] = [
            .init("/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"]),
            .init(
                "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755", "size=65536k"]),
            .init(
                "/dev/pts", type: "devpts", source: "devpts",
                options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]),
            .init(
                "/sys", type: "sysfs", source: "sysfs",
                options: ["nosuid", "noexec", "nodev", service.privileged ? "rw" : "ro"]),
            .init("/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"]),
            .init(
                "/dev/shm", type: "tmpfs", source: "shm",
                options: ["nosuid", "noexec", "nodev", "mode=1777", "size=\(shm)"]),
        ]
        all += input.cgroupMounts
        if service.ipcMode == "none" { all.removeAll { $0.destination == "/dev/shm" } }
        let given = Set(input.binds.map(\.destination))
        if given.contains("/dev") { all.removeAll { $0.destination.hasPrefix("/dev/") } }
        if given.contains("/sys") || given.contains("/sys/fs/cgroup") {
            all.removeAll { $0.destination.hasPrefix("/sys/fs/cgroup") }
        }
        all.removeAll { given.contains($0.destination) }
        all += input.binds
        // Parents first; the order of equals is kept.
        return all.enumerated().sorted { a, b in
            let depth = { (mount: RuntimeSpec.Mount) in
                mount.destination.split(separator: "/").count + (mount.type == "remount" ? 2 : 0)
            }
            return (depth(a.element), a.offset) < (depth(b.element), b.offset)
        }.map(\.element)
    }
}

/// Docker's lists of paths and nodes.
enum DefaultPaths {
    static let masked = [
        "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/devices/virtual/powercap",
        "/sys/firmware",
    ]
    static let readOnly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
    static let devices: [RuntimeSpec.Device] = [
        .init(type: "c", path: "/dev/null", major: 1, minor: 3, fileMode: 0o666),
        .init(type: "c", path: "/dev/zero", major: 1, minor: 5, fileMode: 0o666),
        .init(type: "c", path: "/dev/full", major: 1, minor: 7, fileMode: 0o666),
        .init(type: "c", path: "/dev/random", major: 1, minor: 8, fileMode: 0o666),
        .init(type: "c", path: "/dev/urandom", major: 1, minor: 9, fileMode: 0o666),
        .init(type: "c", path: "/dev/tty", major: 5, minor: 0, fileMode: 0o666),
    ]
    static let links = [
        ("/dev/ptmx", "pts/ptmx"), ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"),
        ("/dev/stdout", "/proc/self/fd/1"), ("/dev/stderr", "/proc/self/fd/2"),
    ]
}

/// Masked beside Docker's fixed list, where the machine has them.
enum ThermalPaths {
    static let found: [String] = {
        let directory = "/sys/devices/system/cpu"
        // Ignored: a machine without the directory has nothing to hide in it.
        let names = (try? Directory.names(directory)) ?? []
        return names.filter { $0.hasPrefix("cpu") && $0.dropFirst(3).allSatisfy(\.isNumber) && $0.count > 3 }
            .map { "\(directory)/\($0)/thermal_throttle" }
            .filter { (try? FileStatus.of($0)) != nil }.sorted()
    }()
}

/// Namespaced sysctls, by exact name or subtree; nothing that tricks with slashes.
enum SysctlRules {
    private static let exact: Set<String> = [
        "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax",
        "kernel.shmmni",
        "kernel.shm_rmid_forced",
    ]

    static func isAllowed(_ name: String, ownsNetwork: Bool, ownsIPC: Bool) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let isPlain = parts.allSatisfy { part in
            !part.isEmpty
                && part.utf8.allSatisfy {
                    ($0 | 0x20) >= 0x61 && ($0 | 0x20) <= 0x7A || (0x30...0x39).contains($0) || $0 == 0x5F || $0 == 0x2D
                }
        }
        guard isPlain else { return false }
        if name.hasPrefix("net.") { return ownsNetwork }
        return ownsIPC && (exact.contains(name) || name.hasPrefix("fs.mqueue."))
    }
}

/// `security_opt`, strictly: a word that nobody knows is an error, never silence.
struct SecurityOptions: Equatable {
    var noNewPrivileges = false
    var unconfinedSeccomp = false
    var unconfinedPaths = false

    init(_ options: [String], service: String) throws {
        for option in options {
            let separator = option.firstIndex { $0 == ":" || $0 == "=" }
            let key = separator.map { String(option[..<$0]) } ?? option
            let value = separator.map { String(option[option.index(after: $0)...]) }
            switch (key, value) {
            case ("no-new-privileges", nil), ("no-new-privileges", "true"): noNewPrivileges = true
            case ("no-new-privileges", "false"): noNewPrivileges = false
            case ("seccomp", "unconfined"): unconfinedSeccomp = true
            case ("seccomp", "builtin"), ("apparmor", "unconfined"), ("label", _): break
            case ("systempaths", "unconfined"): unconfinedPaths = true
            default:
                throw BerthError(
                    .invalid, "creating service \(service)", subject: option,
                    cause: "unknown or unsupported security_opt \"\(option)\"",
                    hint:
                        "known: no-new-privileges[:true], seccomp=unconfined, apparmor=unconfined, label=…, systempaths=unconfined"
                )
            }
        }
    }
}
