// Valid compose that has no effect yet, or never will on one Linux host: said aloud, never dropped.

enum UnsupportedKeys {
    static let service: [String: String] = [
        "blkio_config": "block I/O limits are not applied",
        "cpu_count": "it is for Windows", "cpu_percent": "it is for Windows",
        "cpu_rt_period": "real-time scheduling is not applied", "cpu_rt_runtime": "real-time scheduling is not applied",
        "credential_spec": "it is for Windows",
        "external_links": "links to other stacks are not made",
        "isolation": "it is for Windows", "models": "models need a model runner",
        "oom_kill_disable": "the kernel's OOM killer stays on",
        "provider": "providers are not run yet", "pull_refresh_after": "pull_policy alone says when images are pulled",
        "storage_opt": "storage quotas are not applied", "use_api_socket": "there is no Docker API socket",
    ]

    /// A container without these would start, and not do what the file is for: nothing is begun, with a way out.
    static let refused: [String: (reason: String, suggestion: String)] = [
        "gpus": ("GPUs are not handed out yet", "map their nodes by devices:, such as /dev/dri"),
        "pre_start": (
            "pre_start is not run yet",
            "make it a service of its own, and depend on it by service_completed_successfully"
        ),
    ]
}
