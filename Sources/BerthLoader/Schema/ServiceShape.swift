// A service: every key, what it may be, what it is for.

enum ServiceShape {
    static let root = Shape.map([
        .init("annotations", .pairs, "Annotations for the container runtime."),
        .init("attach", .flag, "False: its log is not shown by `up`."),
        .init("blkio_config", blockInput, "Limits of block devices."),
        .init("build", Shape(.text).or(BuildShape.root), "How its image is built; a text is the context."),
        .init("cap_add", .texts, "Capabilities that it has besides the default ones."),
        .init("cap_drop", .texts, "Capabilities that it has not."),
        .init("cgroup", .one(of: "host", "private"), "The cgroup namespace."),
        .init("cgroup_parent", .text, "The parent of its control group."),
        .init("command", .command, "The command, instead of the image's."),
        .init("configs", materials, "Configs that it gets as files."),
        .init(
            "container_name", Shape(.text, pattern: containerName), "The container's name, instead of STACK-SERVICE-1."),
        .init("cpu_count", Shape([.text, .integer], range: 0...Int64.max), "For Windows."),
        .init("cpu_percent", Shape([.text, .integer], range: 0...100), "For Windows."),
        .init("cpu_period", .number, "The scheduler's period, in microseconds."),
        .init("cpu_quota", .number, "The scheduler's quota, in microseconds."),
        .init("cpu_rt_period", .number, "The real-time period, in microseconds."),
        .init("cpu_rt_runtime", .number, "The real-time runtime, in microseconds."),
        .init("cpu_shares", .number, "Its weight when processors are short; 1024 is usual."),
        .init("cpus", .number, "Processors that it may use, such as 0.5."),
        .init("cpuset", .text, "Which processors, such as 0-3 or 0,2."),
        .init("credential_spec", credentials, "For Windows."),
        .init("depends_on", dependencies, "Services that start before it, and what must hold then."),
        .init("deploy", DeployShape.root, "Replicas, limits, and how updates go."),
        .init("develop", BuildShape.develop, "What happens when source files change."),
        .init("device_cgroup_rules", .texts, "Rules for devices, such as \"c 1:3 rwm\"."),
        .init("devices", .list(deviceMapping), "Devices of the host: HOST[:CONTAINER[:rwm]]."),
        .init("dns", .textOrTexts, "Name servers that are asked for names outside the stack."),
        .init("dns_opt", .texts, "Options of the resolver."),
        .init("dns_search", .textOrTexts, "Search domains."),
        .init("domainname", .text, "The domain name."),
        .init("entrypoint", .command, "The entrypoint, instead of the image's."),
        .init("env_file", envFile, "Files with environment variables."),
        .init("environment", .pairs, "Environment variables; without a value: the caller's."),
        .init("expose", .list(Shape([.text, .number]), unique: true), "Ports that it serves inside the stack."),
        .init("extends", extends, "A service whose definition this one continues."),
        .init("external_links", .texts, "Containers outside the stack: CONTAINER[:ALIAS]."),
        .init("extra_hosts", extraHosts, "Names with addresses, for /etc/hosts."),
        .init(
            "gpus", Shape(.text, choices: ["all"], items: DeployShape.device(closed: false)), "GPUs: all, or a list."),
        .init("group_add", .list(Shape([.text, .number]), unique: true), "Groups that its user is in besides."),
        .init("healthcheck", healthcheck, "How it is seen whether it works."),
        .init("hostname", .text, "The host name inside."),
        .init("image", .text, "The image."),
        .init("init", .flag, "True: a small init runs as process 1."),
        .init("ipc", .text, "The IPC namespace: private, shareable, host, service:NAME, container:NAME."),
        .init("isolation", .text, "For Windows."),
        .init("label_file", Shape(.text, items: .text), "Files with labels."),
        .init("labels", .pairs, "Labels, for people and tools."),
        .init("links", .texts, "Other names for services: SERVICE[:ALIAS]."),
        .init("logging", logging, "Where its output goes."),
        .init("mac_address", .text, "The hardware address."),
        .init("mem_limit", .number, "Memory, such as 512m."),
        .init("mem_reservation", .integer, "Memory that is left to it when memory is short."),
        .init("mem_swappiness", .integer, "How readily its memory is swapped out, 0 to 100."),
        .init("memswap_limit", .number, "Memory and swap together; -1: no limit."),
        .init("models", models, "Language models that it uses."),
        .init("network_mode", .text, "none, host, bridge, service:NAME or container:NAME, instead of networks."),
        .init("networks", networks, "Networks that it joins; none given: default."),
        .init("oom_kill_disable", .flag, "True: it is not ended when memory is short."),
        .init(
            "oom_score_adj", Shape([.text, .integer], range: -1000...1000),
            "How likely it is ended when memory is short."),
        .init("pid", Shape([.text, .null]), "The process namespace: host, service:NAME, container:NAME."),
        .init("pids_limit", .number, "How many processes and threads; -1: no limit."),
        .init("platform", .text, "The platform of the image: os/arch[/variant]."),
        .init(
            "ports", .list(port, unique: true), "Ports published on the host: [[ADDRESS:]HOST:]CONTAINER[/PROTOCOL]."),
        .init("post_start", .list(hook), "Commands that run inside after its start."),
        .init("pre_start", .list(hook), "Containers that run to their end before its start."),
        .init("pre_stop", .list(hook), "Commands that run inside before its stop."),
        .init("privileged", .flag, "True: all capabilities and devices, no filters."),
        .init("profiles", .texts, "Profiles that it belongs to; none: it is always on."),
        .init("provider", provider, "A program that gives the service, instead of an image."),
        .init(
            "pull_policy", Shape(.text, pattern: pullPolicy),
            "When its image is pulled: always, never, missing, build, daily, weekly, every_12h."),
        .init("pull_refresh_after", .text, "The age at which its image is pulled again."),
        .init("read_only", .flag, "True: its root file system cannot be written."),
        .init("restart", .text, "no, always, unless-stopped or on-failure[:NUMBER]."),
        .init("runtime", .text, "The container runtime."),
        .init("scale", .integer, "How many containers; deploy.replicas is the same."),
        .init("secrets", materials, "Secrets that it gets as files."),
        .init("security_opt", .texts, "no-new-privileges, seccomp=FILE, apparmor=PROFILE, label=…"),
        .init("shm_size", .number, "The size of /dev/shm, such as 64m."),
        .init("stdin_open", .flag, "True: standard input stays open."),
        .init("stop_grace_period", .text, "The time from the stop signal to SIGKILL, such as 10s."),
        .init("stop_signal", .text, "The stop signal."),
        .init("storage_opt", .map([], closed: false), "Options of the root file system's storage."),
        .init("sysctls", .pairs, "Kernel parameters of its namespaces."),
        .init("tmpfs", .textOrTexts, "Temporary file systems: PATH[:OPTIONS]."),
        .init("tty", .flag, "True: it has a terminal."),
        .init("ulimits", ulimits, "Resource limits."),
        .init("use_api_socket", .strictFlag, "True: it gets the engine's socket."),
        .init("user", .text, "The user: NAME or UID, with :GROUP."),
        .init("userns_mode", .text, "The user namespace."),
        .init("uts", .text, "The UTS namespace: host."),
        .init("volumes", .list(mount, unique: true), "Volumes and directories: [SOURCE:]TARGET[:MODE]."),
        .init("volumes_from", .texts, "Services whose mounts it has too: SERVICE[:ro]."),
        .init("working_dir", .text, "The directory that it starts in."),
    ])

    /// The patterns of compose are not anchored: a part that matches is enough.
    private static let containerName = Shape.Pattern(expression: "[a-zA-Z0-9][a-zA-Z0-9_.-]+") { text in
        let bytes = Array(text.utf8)
        func isWord(_ byte: UInt8) -> Bool { NameBytes.isAlphanumeric(byte) }
        return zip(bytes, bytes.dropFirst()).contains {
            isWord($0) && (isWord($1) || $1 == 0x5F || $1 == 0x2E || $1 == 0x2D)
        }
    }

    private static let pullPolicy = Shape.Pattern(
        expression: "always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+"
    ) { text in
        if ["always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly"].contains(where: {
            text.contains($0)
        }) {
            return true
        }
        return text.ranges(of: "every_").contains { range in
            let rest = text[range.upperBound...]
            let digits = rest.prefix { ("0"..."9").contains($0) }
            guard !digits.isEmpty, let unit = rest.dropFirst(digits.count).first else { return false }
            return "wdhms".contains(unit)
        }
    }

    private static let blockLimit = Shape.list(
        .map(
            [.init("path", .text, "The device."), .init("rate", .integer, "Bytes or operations a second.")],
            extensions: false))

    private static let blockInput = Shape.map(
        [
            .init("device_read_bps", blockLimit, "Bytes read a second."),
            .init("device_read_iops", blockLimit, "Reads a second."),
            .init("device_write_bps", blockLimit, "Bytes written a second."),
            .init("device_write_iops", blockLimit, "Writes a second."),
            .init("weight", .integer, "Its weight, 10 to 1000."),
            .init(
                "weight_device",
                .list(
                    .map(
                        [.init("path", .text, "The device."), .init("weight", .integer, "Its weight.")],
                        extensions: false)),
                "Its weight, a device each."),
        ], extensions: false)

    private static let credentials = Shape.map([
        .init("config", .text, "A config."), .init("file", .text, "A file."),
        .init("registry", .text, "A registry key."),
    ])

    private static let dependencies = Shape.texts.or(
        .named(
            .map(
                [
                    .init("restart", .flag, "True: it is restarted when the other one is."),
                    .init("required", .strictFlag, "False: a warning is enough if the other one fails."),
                    .init(
                        "condition", .one(of: "service_started", "service_healthy", "service_completed_successfully"),
                        "What must hold of the other one."),
                ], required: ["condition"])))

    private static let deviceMapping = Shape(.text).or(
        .map(
            [
                .init("source", .text, "The device on the host, or its CDI name."),
                .init("target", .text, "Its path in the container."),
                .init("permissions", .text, "Of r, w and m."),
            ], required: ["source"]))

    private static let envFile = Shape(.text).or(
        .list(
            Shape(.text).or(
                .map(
                    [
                        .init("path", .text, "The file."), .init("format", .text, "raw: values are taken as they are."),
                        .init("required", .flag, "False: it may be missing."),
                    ], required: ["path"], extensions: false))))

    private static let extends = Shape([.text, .null]).or(
        .map([.init("service", .text, "The service."), .init("file", .text, "The file that it is in.")], closed: false))

    static let extraHosts = Shape(
        items: .text, unique: true,
        members: Shape.Members(keys: Shape.nonEmpty, values: Shape(.text, items: .text), allowsExtensions: false))

    static let healthcheck = Shape.map([
        .init("disable", .flag, "True: the image's check is not run."),
        .init("interval", .text, "The time between checks, such as 30s."),
        .init("retries", .number, "Failures in a row that make it unhealthy."),
        .init("test", Shape(.text, items: .text), "The check: a shell command, or [CMD, …], [CMD-SHELL, …], [NONE]."),
        .init("timeout", .text, "How long a check may take."),
        .init("start_period", .text, "The time in which failures do not count."),
        .init("start_interval", .text, "The time between checks in the start period."),
    ])

    static let hook = Shape.map(
        [
            .init("command", .command, "The command."), .init("user", .text, "Its user."),
            .init("privileged", .flag, "True: it has all privileges."), .init("working_dir", .text, "Its directory."),
            .init("environment", .pairs, "Its environment variables."), .init("image", .text, "Its image (pre_start)."),
            .init("per_replica", .flag, "True: it runs for each replica (pre_start)."),
        ], required: ["command"])

    private static let logging = Shape.map([
        .init("driver", .text, "json-file (the default), local or none."),
        .init(
            "options",
            .named(Shape([.text, .number, .null]), keys: Shape.nonEmpty, closed: false),
            "Options of the driver, such as max-size and max-file."),
    ])

    private static let models = Shape.texts.or(
        .named(
            Shape(.null).or(
                .map([
                    .init("endpoint_var", .text, "The variable that gets the address."),
                    .init("model_var", .text, "The variable that gets the model's name."),
                ])), closed: false))

    private static let networks = Shape.texts.or(
        .named(
            Shape(.null).or(
                .map([
                    .init("aliases", .texts, "More names on this network."),
                    .init("interface_name", .text, "The name of the interface."),
                    .init("ipv4_address", .text, "A fixed IPv4 address."),
                    .init("ipv6_address", .text, "A fixed IPv6 address."),
                    .init("link_local_ips", .texts, "Link-local addresses."),
                    .init("mac_address", .text, "The hardware address."),
                    .init("driver_opts", .options, "Options of the driver."),
                    .init("priority", Shape(.number), "Networks with higher ones are joined first."),
                    .init("gw_priority", Shape(.number), "The highest one gives the default route."),
                ]))))

    private static let port = Shape([.number, .text]).or(
        .map([
            .init("name", .text, "A name for people."),
            .init("mode", .text, "ingress (the default) or host."),
            .init("host_ip", .text, "The host's address; none: all."),
            .init("target", .integer, "The port in the container."),
            .init("published", .integer, "The port on the host, or a range."),
            .init("protocol", .text, "tcp (the default), udp or sctp."),
            .init("app_protocol", .text, "What is spoken, such as http."),
        ]))

    private static let provider = Shape.map(
        [
            .init("type", .text, "The program."),
            .init(
                "options",
                .named(
                    Shape([.text, .number, .boolean], items: Shape([.text, .number, .boolean])), keys: Shape.nonEmpty,
                    closed: false),
                "Its options."),
        ], required: ["type"])

    static let materials = Shape.list(
        Shape(.text).or(
            .map([
                .init("source", .text, "The name at the top level."),
                .init("target", .text, "The file in the container."),
                .init("uid", .text, "The file's owner."),
                .init("gid", .text, "The file's group."),
                .init("mode", .number, "The file's mode, such as 0440."),
            ])))

    static let ulimits = Shape.named(
        Shape([.integer, .text]).or(
            .map(
                [.init("hard", .integer, "What it may be raised to."), .init("soft", .integer, "What holds.")],
                required: ["soft", "hard"])),
        keys: Shape.Pattern(expression: "^[a-z]+$") {
            !$0.isEmpty && $0.utf8.allSatisfy { (0x61...0x7A).contains($0) }
        },
        closed: false)

    private static let mount = Shape(.text).or(
        .map(
            [
                .init("type", .one(of: "bind", "volume", "tmpfs", "cluster", "npipe", "image"), "What is mounted."),
                .init("source", .text, "The volume, the directory or the image."),
                .init("target", .text, "Where."),
                .init("read_only", .flag, "True: it cannot be written."),
                .init("consistency", .text, "It has no effect."),
                .init(
                    "bind",
                    .map([
                        .init("propagation", .text, "Whether later mounts are seen: rprivate, rslave, rshared."),
                        .init("create_host_path", .flag, "False: the directory must exist."),
                        .init(
                            "recursive", .one(of: "enabled", "disabled", "writable", "readonly"),
                            "What happens to mounts below."),
                        .init("selinux", .one(of: "z", "Z"), "The SELinux label."),
                    ]), "Options of a bind."),
                .init(
                    "volume",
                    .map([
                        .init("labels", .pairs, "Labels of the volume."),
                        .init("nocopy", .flag, "True: the image's content is not copied into it."),
                        .init("subpath", .text, "A directory of the volume."),
                    ]), "Options of a volume."),
                .init(
                    "tmpfs",
                    .map([
                        .init("size", Shape([.integer, .text], range: 0...Int64.max), "Its size, such as 64m."),
                        .init("mode", .number, "Its mode, such as 1777."),
                    ]), "Options of a tmpfs."),
                .init("image", .map([.init("subpath", .text, "A directory of the image.")]), "Options of an image."),
            ], required: ["type"]))
}

/// Bytes of names.
enum NameBytes {
    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
}
