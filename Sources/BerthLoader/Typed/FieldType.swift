// What each value finally is: by tree path, a row each. Conversion is where a duration, a size or a mode is read.

enum FieldType: Sendable {
    /// A whole number; fractions are cut off, as compose does.
    case number
    /// From zero up.
    case unsigned
    /// A number, never text, from zero up.
    case bits
    /// 32 bits wide, as compose keeps processors.
    case processors
    case ratio
    case flag
    /// A size in bytes, printed as text.
    case bytes
    /// Go's text of a duration.
    case duration
    /// Permission bits, printed in octal.
    case mode
    /// Text by key; no value is empty text.
    case pairs
    /// Text by key; no value stays none.
    case inherited
    case hosts
    case texts
    /// Numbers are text too.
    case textsOrNumbers
    case words
    case test
    case count
    case published
    case ulimit
    case providerOptions
    case weight
    case text
    case ssh
    /// Keys that it does not know are dropped.
    case deviceRequest
    /// Text or whole numbers by key.
    case storageOptions

    /// As a message names what cannot be told from the kind of value.
    var expectation: String? {
        switch self {
        case .duration: "a duration such as 1m30s or 500ms"
        case .bytes: "a size such as 64m or 1.5gb"
        case .processors: "a number of processors such as 0.5"
        case .mode: "an octal mode such as 0440"
        default: nil
        }
    }

    static let rules = RuleTree<FieldType>(
        services + [
            ("networks.*.driver_opts", .pairs), ("networks.*.labels", .pairs),
            ("networks.*.ipam.config.*.aux_addresses", .pairs),
            ("networks.*.enable_ipv4", .flag), ("networks.*.enable_ipv6", .flag), ("networks.*.internal", .flag),
            ("networks.*.attachable", .flag), ("networks.*.external", .flag),
            ("volumes.*.driver_opts", .pairs), ("volumes.*.labels", .pairs), ("volumes.*.external", .flag),
            ("secrets.*.driver_opts", .pairs), ("secrets.*.labels", .pairs), ("secrets.*.external", .flag),
            ("configs.*.labels", .pairs), ("configs.*.external", .flag),
        ])

    private static let services: [(String, FieldType)] = rows(
        (
            .number,
            [
                "cpu_count", "cpu_period", "cpu_quota", "cpu_rt_period", "cpu_rt_runtime", "cpu_shares",
                "oom_score_adj",
                "pids_limit", "scale", "deploy.replicas", "deploy.resources.limits.pids", "networks.*.priority",
                "networks.*.gw_priority",
                "deploy.resources.reservations.generic_resources.*.discrete_resource_spec.value",
            ]
        ),
        (
            .unsigned,
            [
                "deploy.update_config.parallelism", "deploy.rollback_config.parallelism",
                "deploy.restart_policy.max_attempts", "deploy.placement.max_replicas_per_node", "healthcheck.retries",
                "ports.*.target",
            ]
        ),
        (.bits, ["volumes.*.tmpfs.mode"]),
        (.weight, ["blkio_config.weight", "blkio_config.weight_device.*.weight"]),
        (.processors, ["cpus", "cpu_percent", "deploy.resources.limits.cpus", "deploy.resources.reservations.cpus"]),
        (.ratio, ["deploy.update_config.max_failure_ratio", "deploy.rollback_config.max_failure_ratio"]),
        (
            .flag,
            [
                "attach", "init", "privileged", "read_only", "tty", "stdin_open", "oom_kill_disable", "use_api_socket",
                "healthcheck.disable", "volumes.*.read_only", "volumes.*.volume.nocopy",
                "volumes.*.bind.create_host_path",
                "depends_on.*.restart", "depends_on.*.required", "env_file.*.required", "build.no_cache", "build.pull",
                "build.privileged",
                "post_start.*.privileged", "pre_stop.*.privileged", "pre_start.*.privileged", "pre_start.*.per_replica",
                "develop.watch.*.exec.privileged", "develop.watch.*.initial_sync",
            ]
        ),
        (
            .bytes,
            [
                "mem_limit", "mem_reservation", "memswap_limit", "mem_swappiness", "shm_size", "build.shm_size",
                "volumes.*.tmpfs.size", "deploy.resources.limits.memory", "deploy.resources.reservations.memory",
                "blkio_config.device_read_bps.*.rate", "blkio_config.device_read_iops.*.rate",
                "blkio_config.device_write_bps.*.rate", "blkio_config.device_write_iops.*.rate",
            ]
        ),
        (
            .duration,
            [
                "stop_grace_period", "healthcheck.interval", "healthcheck.timeout", "healthcheck.start_period",
                "healthcheck.start_interval", "deploy.update_config.delay", "deploy.update_config.monitor",
                "deploy.rollback_config.delay", "deploy.rollback_config.monitor", "deploy.restart_policy.delay",
                "deploy.restart_policy.window",
            ]
        ),
        (.mode, ["secrets.*.mode", "configs.*.mode", "build.secrets.*.mode"]),
        (
            .pairs,
            [
                "annotations", "labels", "sysctls", "logging.options", "build.labels", "deploy.labels",
                "build.additional_contexts", "networks.*.driver_opts", "gpus.*.options",
                "deploy.resources.reservations.devices.*.options", "volumes.*.volume.labels",
            ]
        ),
        (
            .inherited,
            [
                "environment", "build.args", "post_start.*.environment", "pre_stop.*.environment",
                "pre_start.*.environment", "develop.watch.*.exec.environment",
            ]
        ),
        (.hosts, ["extra_hosts", "build.extra_hosts"]),
        (
            .texts,
            [
                "dns", "dns_search", "dns_opt", "tmpfs", "develop.watch.*.ignore", "develop.watch.*.include",
                "label_file", "build.no_cache_filter",
            ]
        ),
        (.textsOrNumbers, ["expose", "group_add"]),
        (
            .words,
            [
                "command", "entrypoint", "post_start.*.command", "pre_stop.*.command", "pre_start.*.command",
                "develop.watch.*.exec.command",
            ]
        ),
        (.test, ["healthcheck.test"]),
        (.count, ["gpus.*.count", "deploy.resources.reservations.devices.*.count"]),
        (.published, ["ports.*.published"]),
        (.ulimit, ["ulimits.*", "build.ulimits.*"]),
        (.providerOptions, ["provider.options"]),
        (.text, ["build.provenance", "build.sbom"]),
        (.ssh, ["build.ssh"]),
        (.deviceRequest, ["gpus.*"]),
        (.storageOptions, ["storage_opt"])
    )

    private static func rows(_ groups: (FieldType, [String])...) -> [(String, FieldType)] {
        groups.flatMap { type, keys in keys.map { ("services.*." + $0, type) } }
    }
}
