// Every key of a service: decoded, or named here with the reason why it has no effect yet.

enum ServiceKeys {
    static let honoured: Set<String> = [
        "annotations", "attach", "build", "cap_add", "cap_drop", "cgroup", "command", "configs", "container_name",
        "cpu_period", "cpu_quota", "cpu_shares", "cpus", "cpuset", "depends_on", "deploy", "device_cgroup_rules",
        "devices", "dns",
        "dns_opt", "dns_search", "domainname", "entrypoint", "env_file", "environment", "expose", "extends",
        "extra_hosts",
        "group_add", "healthcheck", "hostname", "image", "init", "ipc", "labels", "links", "logging", "mac_address",
        "mem_limit",
        "mem_reservation", "mem_swappiness", "memswap_limit", "network_mode", "networks", "oom_score_adj", "pid",
        "pids_limit",
        "platform", "ports", "privileged", "profiles", "pull_policy", "read_only", "restart", "runtime", "scale",
        "secrets",
        "security_opt", "shm_size", "stdin_open", "stop_grace_period", "stop_signal", "sysctls", "tmpfs", "tty",
        "ulimits", "user",
        "uts", "volumes", "volumes_from", "working_dir",
    ]

    /// Valid compose that has no effect yet: said aloud, never dropped.
    static let withoutEffect: [String: String] = [
        "blkio_config": "block I/O limits are not applied", "cgroup_parent": "containers stay below berth's own group",
        "cpu_count": "it is for Windows", "cpu_percent": "it is for Windows",
        "cpu_rt_period": "real-time scheduling is not applied",
        "cpu_rt_runtime": "real-time scheduling is not applied", "credential_spec": "it is for Windows",
        "develop": "watching files is not there yet", "external_links": "links to other stacks are not made",
        "gpus": "devices by CDI are not there yet", "isolation": "it is for Windows",
        "label_file": "labels are not read from files yet",
        "models": "models need a model runner", "oom_kill_disable": "the kernel's OOM killer stays on",
        "post_start": "hooks are not run yet", "pre_start": "hooks are not run yet",
        "pre_stop": "hooks are not run yet",
        "provider": "providers are not run yet", "pull_refresh_after": "images are not pulled yet",
        "storage_opt": "storage quotas are not applied", "use_api_socket": "there is no Docker API socket",
        "userns_mode": "containers share the host's user namespace",
    ]

    static let all = honoured.union(withoutEffect.keys)
}
