// Resources, limits and the parts of `deploy` that one host honours.
import BerthModel

extension ServiceDecoder {
    func decodeResources(_ field: Field, _ service: inout Service) {
        service.resources.memoryLimitBytes = field["mem_limit"]?.bytes()
        service.resources.memoryReservationBytes = field["mem_reservation"]?.bytes()
        service.resources.memorySwapLimitBytes = field["memswap_limit"]?.bytes()
        service.resources.memorySwappiness = field["mem_swappiness"]?.int()
        service.resources.nanoCPUs = field["cpus"].flatMap(nanoCPUs)
        service.resources.cpuShares = field["cpu_shares"]?.int()
        service.resources.cpuQuotaMicroseconds = field["cpu_quota"]?.int64()
        service.resources.cpuPeriodMicroseconds = field["cpu_period"]?.int64()
        service.resources.cpuset = field["cpuset"]?.string()
        service.resources.processLimit = field["pids_limit"]?.int64()
        if let memory = service.resources.memoryLimitBytes, memory > 0, memory < 6 << 20 {
            field["mem_limit"]?.fail("the least memory a container can have is 6 MiB, found \(memory) bytes")
        }
        for (name, limit) in field["ulimits"]?.map() ?? [] {
            if limit.node.entries != nil {
                limit.checkKeys(["soft", "hard"], of: "a ulimit")
                guard let soft = limit["soft"]?.int64(), let hard = limit["hard"]?.int64() else {
                    limit.fail("a ulimit has soft and hard")
                    continue
                }
                if hard >= 0 && soft > hard { limit.fail("the soft limit \(soft) is above the hard limit \(hard)") }
                service.ulimits[name] = Ulimit(soft: soft, hard: hard)
            } else if let value = limit.int64() {
                service.ulimits[name] = Ulimit(soft: value, hard: value)
            }
        }
    }

    private func nanoCPUs(_ field: Field) -> Int64? {
        guard let value = field.double() else { return nil }
        guard value >= 0, value < 100_000 else {
            field.fail("expected a number of processors, found \(value)"); return nil
        }
        return Int64(value * 1e9)
    }

    func decodeDeploy(_ field: Field?, _ service: inout Service) {
        guard let field, !field.node.isNull else { return }
        field.checkKeys(
            [
                "mode", "endpoint_mode", "replicas", "labels", "placement", "resources", "restart_policy",
                "update_config", "rollback_config",
            ],
            of: "deploy")
        for key in ["update_config", "rollback_config", "placement"] {
            field[key]?.warn("\(key) has no effect yet")
        }
        if let replicas = field["replicas"], let count = replicas.int() {
            if count < 0 { replicas.fail("expected 0 or more replicas") }
            if service.replicas != 1 && service.replicas != count {
                replicas.fail("scale says \(service.replicas) replicas, and deploy.replicas \(count)")
            }
            service.replicas = max(0, count)
        }
        if let policy = field["restart_policy"] {
            policy.checkKeys(["condition", "delay", "max_attempts", "window"], of: "restart_policy")
            switch policy["condition"]?.string() ?? "any" {
            case "none": service.restart = .no
            case "on-failure": service.restart = .onFailure(maximumRetries: policy["max_attempts"]?.int())
            case "any": service.restart = .always
            case let other: policy.fail("invalid condition \"\(other)\"", suggestion: "none, on-failure or any")
            }
        }
        guard let resources = field["resources"] else { return }
        resources.checkKeys(["limits", "reservations"], of: "resources")
        if let limits = resources["limits"] {
            limits.checkKeys(["cpus", "memory", "pids", "devices", "generic_resources"], of: "limits")
            fold(limits["memory"], limits["memory"]?.bytes(), "mem_limit", &service.resources.memoryLimitBytes)
            fold(limits["cpus"], limits["cpus"].flatMap(nanoCPUs), "cpus", &service.resources.nanoCPUs)
            fold(limits["pids"], limits["pids"]?.int64(), "pids_limit", &service.resources.processLimit)
        }
        if let reservations = resources["reservations"] {
            reservations.checkKeys(["cpus", "memory", "pids", "devices", "generic_resources"], of: "reservations")
            reservations["devices"]?.warn("devices are not reserved yet")
            fold(
                reservations["memory"], reservations["memory"]?.bytes(), "mem_reservation",
                &service.resources.memoryReservationBytes)
        }
    }

    /// The same limit in two places must say the same.
    private func fold(_ field: Field?, _ value: Int64?, _ other: String, _ target: inout Int64?) {
        guard let field, let value else { return }
        if let existing = target, existing != value { field.fail("it says \(value), and \(other) says \(existing)") }
        target = value
    }
}
