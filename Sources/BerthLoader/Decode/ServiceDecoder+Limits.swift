// Resources, limits and the parts of `deploy` that one host honours.
import BerthModel

extension ServiceDecoder {
    func decodeResources(_ field: Field, _ service: inout Service) {
        service.resources.memoryLimitBytes = field["mem_limit"]?.integer
        service.resources.memoryReservationBytes = field["mem_reservation"]?.integer
        service.resources.memorySwapLimitBytes = field["memswap_limit"]?.integer
        service.resources.memorySwappiness = field["mem_swappiness"]?.int
        service.resources.nanoCPUs = field["cpus"].flatMap(nanoCPUs)
        service.resources.cpuShares = field["cpu_shares"]?.int
        service.resources.cpuQuotaMicroseconds = field["cpu_quota"]?.integer
        service.resources.cpuPeriodMicroseconds = field["cpu_period"]?.integer
        service.resources.cpuset = field["cpuset"]?.filled
        service.resources.processLimit = field["pids_limit"]?.integer
        service.ulimits = field["ulimits"].map(decodeLimits) ?? [:]
    }

    func decodeLimits(_ field: Field) -> [String: Ulimit] {
        var limits: [String: Ulimit] = [:]
        for (name, limit) in field.entries {
            if let single = limit["single"]?.integer {
                limits[name] = Ulimit(soft: single, hard: single)
            } else if let soft = limit["soft"]?.integer, let hard = limit["hard"]?.integer {
                if hard >= 0 && soft > hard { limit.fail("the soft limit \(soft) is above the hard limit \(hard)") }
                limits[name] = Ulimit(soft: soft, hard: hard)
            }
        }
        return limits
    }

    private func nanoCPUs(_ field: Field) -> Int64? {
        guard let value = field.number, value != 0 else { return nil }
        guard value > 0, value < 100_000 else {
            field.fail("expected a number of processors, found \(FloatText.shortest(value))")
            return nil
        }
        return Int64(value * 1e9)
    }

    func decodeDeploy(_ serviceField: Field, _ service: inout Service) {
        defer { checkMemory(serviceField, service) }
        guard let field = serviceField["deploy"] else { return }
        if field["placement"] != nil { field.warn(aboutKey: "placement", "placement has no effect: there is one host") }
        service.update = field["update_config"].map { decodeUpdate($0, service) }
        service.rollback = field["rollback_config"].map { decodeUpdate($0, service, isRollback: true) }
        if let count = field["replicas"]?.int { service.replicas = max(0, count) }
        if let policy = field["restart_policy"] {
            switch policy["condition"]?.filled ?? "any" {
            case "none": service.restart = .no
            case "on-failure": service.restart = .onFailure(maximumRetries: policy["max_attempts"]?.int)
            case "any": service.restart = .always
            case let other: policy.fail("invalid condition \"\(other)\"", suggestion: "none, on-failure or any")
            }
        }
        guard let resources = field["resources"] else { return }
        if let limits = resources["limits"] {
            if let value = limits["memory"]?.integer { service.resources.memoryLimitBytes = value }
            if let value = limits["cpus"].flatMap(nanoCPUs) { service.resources.nanoCPUs = value }
            if let value = limits["pids"]?.integer { service.resources.processLimit = value }
        }
        if let reservations = resources["reservations"] {
            if let devices = reservations["devices"], let refusal = UnsupportedKeys.refused["gpus"] {
                devices.fail(refusal.reason, suggestion: refusal.suggestion)
            }
            if let value = reservations["memory"]?.integer { service.resources.memoryReservationBytes = value }
        }
    }

    private func decodeUpdate(_ field: Field, _ service: Service, isRollback: Bool = false) -> UpdatePolicy {
        var policy = UpdatePolicy()
        if let count = field["parallelism"]?.int { policy.parallelism = max(0, count) }
        if let delay = field["delay"]?.duration { policy.delay = delay }
        if let monitor = field["monitor"]?.duration { policy.monitor = monitor }
        switch field["failure_action"]?.filled {
        case "continue": policy.failureAction = .continue
        case "rollback" where !isRollback: policy.failureAction = .rollback
        case nil, "pause": break
        case let other?:
            field["failure_action"]?.fail(
                "invalid failure_action \"\(other)\"",
                suggestion: isRollback ? "pause or continue" : "pause, continue or rollback")
        }
        if field["order"]?.filled == "start-first" {
            if let fixed = fixedPlace(service) {
                field["order"]?.warn("start-first has no effect: two containers at once cannot both have \(fixed)")
            } else {
                policy.order = .startFirst
            }
        }
        if let ratio = field["max_failure_ratio"]?.number, ratio > 0 {
            field["max_failure_ratio"]?.warn("max_failure_ratio has no effect: one failure is a failure")
        }
        return policy
    }

    /// What only one container can have at a time.
    private func fixedPlace(_ service: Service) -> String? {
        for attachment in service.networks.values {
            if let address = attachment.ipv4Address { return "the address \(address)" }
            if let address = attachment.macAddress { return "the address \(address)" }
        }
        return service.macAddress.map { "the address \($0)" }
    }

    private func checkMemory(_ field: Field, _ service: Service) {
        guard let memory = service.resources.memoryLimitBytes, memory > 0, memory < 6 << 20 else { return }
        let place = field["deploy"]?["resources"]?["limits"]?["memory"] ?? field["mem_limit"]
        place?.fail("the least memory a container can have is 6 MiB, found \(memory) bytes")
    }
}
