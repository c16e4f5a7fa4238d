// The order of keys in compose's own documents. Its `config` prints it, and its configuration hash is over it.

enum KeyOrder {
    /// Keys that are not in a list come last, by name; so do those of maps that have none.
    static let rules = RuleTree<[String: Int]>([
        ("", words("name services networks volumes secrets configs models")),
        (
            "services.*",
            words(
                """
                profiles annotations attach build develop blkio_config cap_add cap_drop cgroup_parent cgroup \
                cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpus cpuset cpu_shares \
                command configs container_name credential_spec depends_on deploy device_cgroup_rules devices dns \
                dns_opt dns_search domainname entrypoint provider environment env_file expose extends \
                external_links extra_hosts group_add gpus hostname healthcheck image init ipc isolation labels \
                label_file links logging mem_limit mem_reservation memswap_limit mem_swappiness mac_address \
                models network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports \
                privileged pull_policy read_only restart runtime scale secrets security_opt shm_size stdin_open \
                stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user \
                userns_mode uts volumes volumes_from working_dir post_start pre_stop
                """)
        ),
        (
            "services.*.build",
            words(
                """
                context dockerfile dockerfile_inline entitlements args provenance sbom ssh labels cache_from \
                cache_to no_cache no_cache_filter additional_contexts pull extra_hosts isolation network target \
                secrets shm_size tags ulimits platforms privileged
                """)
        ),
        (
            "services.*.blkio_config",
            words("weight weight_device device_read_bps device_read_iops device_write_bps device_write_iops")
        ),
        ("services.*.credential_spec", words("config file registry")),
        ("models.*", words("name model context_size runtime_flags")),
        ("services.*.depends_on.*", words("condition restart required")),
        (
            "services.*.deploy",
            words("mode replicas labels update_config rollback_config resources restart_policy placement endpoint_mode")
        ),
        ("services.*.deploy.placement", words("constraints preferences max_replicas_per_node")),
        ("services.*.deploy.resources", words("limits reservations")),
        ("services.*.deploy.resources.limits", words("cpus memory pids devices generic_resources")),
        ("services.*.deploy.resources.reservations", words("cpus memory pids devices generic_resources")),
        ("services.*.deploy.resources.reservations.devices.*", words("capabilities driver count device_ids options")),
        ("services.*.deploy.resources.reservations.generic_resources.*.discrete_resource_spec", words("kind value")),
        ("services.*.deploy.restart_policy", words("condition delay max_attempts window")),
        ("services.*.deploy.update_config", words("parallelism delay failure_action monitor max_failure_ratio order")),
        (
            "services.*.deploy.rollback_config",
            words("parallelism delay failure_action monitor max_failure_ratio order")
        ),
        ("services.*.develop.watch.*", words("path action target exec include ignore initial_sync")),
        ("services.*.develop.watch.*.exec", hook), ("services.*.post_start.*", hook), ("services.*.pre_stop.*", hook),
        ("services.*.pre_start.*", hook),
        ("services.*.devices.*", words("source target permissions")),
        ("services.*.gpus.*", words("capabilities driver count device_ids options")),
        ("services.*.healthcheck", words("test timeout interval retries start_period start_interval disable")),
        ("services.*.logging", words("driver options")),
        ("services.*.models.*", words("endpoint_var model_var")),
        (
            "services.*.networks.*",
            words(
                "aliases driver_opts gw_priority interface_name ipv4_address ipv6_address link_local_ips mac_address priority"
            )
        ),
        ("services.*.ports.*", words("name mode host_ip target published protocol app_protocol")),
        ("services.*.provider", words("type options")),
        ("services.*.secrets.*", material), ("services.*.configs.*", material),
        ("services.*.build.secrets.*", material),
        ("services.*.ulimits.*", words("single soft hard")), ("services.*.build.ulimits.*", words("single soft hard")),
        ("services.*.volumes.*", words("type source target read_only consistency bind volume tmpfs image")),
        ("services.*.volumes.*.bind", words("selinux propagation create_host_path recursive")),
        ("services.*.volumes.*.tmpfs", words("size mode")),
        ("services.*.volumes.*.volume", words("labels nocopy subpath")),
        (
            "networks.*",
            words("name driver driver_opts ipam external internal attachable labels enable_ipv4 enable_ipv6")
        ),
        ("networks.*.ipam", words("driver config")),
        ("networks.*.ipam.config.*", words("subnet gateway ip_range aux_addresses")),
        ("volumes.*", words("name driver driver_opts external labels")),
        ("secrets.*", words("name environment file external labels driver driver_opts template_driver")),
        ("configs.*", words("name content environment file external labels template_driver")),
    ])

    private static let hook = words("command user privileged working_dir environment")
    private static let material = words("source target uid gid mode")

    private static func words(_ text: String) -> [String: Int] {
        Dictionary(uniqueKeysWithValues: text.split(separator: " ").enumerated().map { (String($1), $0) })
    }

    static func sort<Value>(
        _ entries: [(String, Value)], by order: [String: Int]?, _ form: Printing.Form
    ) -> [(String, Value)] {
        entries.sorted { a, b in
            switch (order?[a.0], order?[b.0]) {
            case (let x?, let y?): x < y
            case (_?, nil): true
            case (nil, _?): false
            case (nil, nil): precedes(a.0, b.0, form)
            }
        }
    }

    /// Keys of the user's: by bytes in JSON, and in YAML as people count.
    static func precedes(_ a: String, _ b: String, _ form: Printing.Form) -> Bool {
        switch form {
        case .json: a.utf8.lexicographicallyPrecedes(b.utf8)
        case .yaml: CountingOrder.precedes(a, b)
        }
    }
}

/// k2 before k10, and signs before letters but behind a digit: the order of the YAML library that compose has.
enum CountingOrder {
    static func precedes(_ left: String, _ right: String) -> Bool {
        let a = Array(left.unicodeScalars)
        let b = Array(right.unicodeScalars)
        guard let at = zip(a, b).enumerated().first(where: { $1.0 != $1.1 })?.offset else { return a.count < b.count }
        let letters = (a[at].properties.isAlphabetic, b[at].properties.isAlphabetic)
        let followsDigit = at > 0 && isDigit(a[at - 1])
        switch letters {
        case (true, true): return a[at] < b[at]
        case (true, false): return followsDigit
        case (false, true): return !followsDigit
        case (false, false): break
        }
        // Behind other digits a zero is a digit like any.
        let isInside =
            (a[at] == "0" || b[at] == "0") && a[..<at].reversed().prefix(while: isDigit).contains { $0 != "0" }
        let (x, y) = (number(a[at...], isInside), number(b[at...], isInside))
        if x.value != y.value { return x.value < y.value }
        if x.digits != y.digits { return x.digits < y.digits }
        return a[at] < b[at]
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .decimalNumber
    }

    private static func number(_ text: ArraySlice<Unicode.Scalar>, _ isInside: Bool) -> (value: Int64, digits: Int) {
        let digits = text.prefix(while: isDigit)
        let value = digits.reduce(Int64(isInside ? 1 : 0)) { $0 &* 10 &+ (Int64($1.value) - 0x30) }
        return (value, digits.count)
    }
}
