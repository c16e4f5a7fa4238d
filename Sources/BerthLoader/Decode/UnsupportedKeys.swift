// Valid compose that has no effect yet, or never will on one Linux host: said aloud, never dropped.

enum UnsupportedKeys {
    static let service: [String: String] = [
        "blkio_config": "block I/O limits are not applied",
        "cpu_count": "it is for Windows", "cpu_percent": "it is for Windows",
        "cpu_rt_period": "real-time scheduling is not applied", "cpu_rt_runtime": "real-time scheduling is not applied",
        "credential_spec": "it is for Windows",
        "external_links": "links to other stacks are not made", "gpus": "devices by CDI are not there yet",
        "isolation": "it is for Windows", "models": "models need a model runner",
        "oom_kill_disable": "the kernel's OOM killer stays on", "pre_start": "only post_start and pre_stop are run",
        "provider": "providers are not run yet", "pull_refresh_after": "images are not pulled yet",
        "storage_opt": "storage quotas are not applied", "use_api_socket": "there is no Docker API socket",
    ]
}
