// One service of the typed tree to a `Service`: what this host cannot honour is remarked here.
import BerthModel

struct ServiceDecoder {
    func decode(_ name: String, _ field: Field) -> Service {
        for entry in field.node.entries ?? [] {
            if let reason = UnsupportedKeys.service[entry.key] {
                field.warn(aboutKey: entry.key, "\(entry.key) has no effect: \(reason)")
            }
            if let refusal = UnsupportedKeys.refused[entry.key] {
                field[entry.key]?.fail(refusal.reason, suggestion: refusal.suggestion)
            }
        }
        var service = Service(name: name)
        decodeProcess(field, &service)
        decodeDependencies(field, &service)
        decodeNetwork(field, &service)
        decodeStorage(field, &service)
        decodeResources(field, &service)
        decodeSecurity(field, &service)
        decodeDeploy(field, &service)
        return service
    }

    private func decodeWatchRule(_ field: Field) -> WatchRule? {
        guard let path = field["path"]?.filled,
            let action = field["action"]?.filled.flatMap({ WatchRule.Action(rawValue: $0) })
        else { return nil }
        var rule = WatchRule(path: path, action: action)
        rule.target = field["target"]?.filled ?? ""
        rule.ignore = field["ignore"]?.texts ?? []
        rule.include = field["include"]?.texts ?? []
        rule.initialSync = field["initial_sync"]?.flag ?? false
        rule.exec = field["exec"].map(decodeHook)
        return rule
    }

    private func decodeHook(_ field: Field) -> Hook {
        var hook = Hook(command: field["command"]?.words ?? [])
        hook.user = field["user"]?.filled
        hook.privileged = field["privileged"]?.flag ?? false
        hook.workingDirectory = field["working_dir"]?.filled
        hook.environment = field["environment"]?.inherited ?? [:]
        return hook
    }

    private func decodeProcess(_ field: Field, _ service: inout Service) {
        service.image = field["image"]?.filled
        if let image = service.image, ImageReference(image) == nil {
            field["image"]?.fail(
                "invalid image name \"\(image)\"", suggestion: "names are lower case: [registry/]path[:tag]")
        }
        service.build = field["build"].map(decodeBuild)
        service.platform = field["platform"]?.filled
        service.pullPolicy = field["pull_policy"]?.filled
        service.containerName = field["container_name"]?.filled
        if let name = service.containerName, !NameRules.isContainerName(name) {
            field["container_name"]?.fail(
                "invalid container name \"\(name)\"", suggestion: "letters, digits, _ . and -, at least two")
        }
        service.command = field["command"]?.words
        service.entrypoint = field["entrypoint"]?.words
        service.environment = field["environment"]?.inherited ?? [:]
        service.user = field["user"]?.filled
        service.workingDirectory = field["working_dir"]?.filled
        service.hostname = field["hostname"]?.filled
        service.domainName = field["domainname"]?.filled
        service.initProcess = field["init"]?.flag ?? false
        service.tty = field["tty"]?.flag ?? false
        service.standardInputOpen = field["stdin_open"]?.flag ?? false
        service.stopSignal = field["stop_signal"]?.filled
        if let signal = service.stopSignal, Signal.number(signal) == nil {
            field["stop_signal"]?.fail("there is no signal \"\(signal)\"")
        }
        service.stopGracePeriod = field["stop_grace_period"]?.duration
        service.postStart = field["post_start"]?.items.map(decodeHook) ?? []
        service.watch = field["develop"]?["watch"]?.items.compactMap(decodeWatchRule) ?? []
        service.preStop = field["pre_stop"]?.items.map(decodeHook) ?? []
        if let policy = field["restart"] { service.restart = restart(policy) }
        service.labels = field["labels"]?.pairs ?? [:]
        service.annotations = field["annotations"]?.pairs ?? [:]
        service.profiles = field["profiles"]?.texts ?? []
        service.attach = field["attach"]?.node.bool ?? true
        service.runtime = field["runtime"]?.filled
        if let runtime = service.runtime, !["runc", "crun", "io.containerd.runc.v2"].contains(runtime) {
            field["runtime"]?.fail(
                "unknown or invalid runtime name: \(runtime)", suggestion: "leave it out: berth's own is used")
        }
        if let logging = field["logging"] { service.logging = decodeLogging(logging) }
        if let scale = field["scale"]?.int { service.replicas = max(0, scale) }
    }

    private func decodeLogging(_ field: Field) -> Logging {
        var logging = Logging()
        logging.driver = field["driver"]?.filled
        logging.options = field["options"]?.pairs ?? [:]
        if let driver = logging.driver, LogOptions.foreign.contains(driver) {
            field["driver"]?.warn("the logging driver \"\(driver)\" is not there; json-file is used")
            return Logging()
        }
        do {
            _ = try LogRoute.of(logging)
        } catch {
            let place = error.option.map { field["options"]?[$0] ?? field } ?? field["driver"] ?? field
            place.fail(error.message, suggestion: error.suggestion)
        }
        return logging
    }

    private func restart(_ field: Field) -> RestartPolicy {
        guard let text = field.filled else { return .no }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        switch parts.first {
        case "no" where parts.count == 1: return .no
        case "always" where parts.count == 1: return .always
        case "unless-stopped" where parts.count == 1: return .unlessStopped
        case "on-failure":
            if parts.count == 1 { return .onFailure(maximumRetries: nil) }
            if let count = Int(parts[1]), count >= 0 { return .onFailure(maximumRetries: count == 0 ? nil : count) }
        default: break
        }
        field.fail(
            "invalid restart policy \"\(text)\"", suggestion: "no, always, unless-stopped or on-failure[:number]")
        return .no
    }

    private func decodeSecurity(_ field: Field, _ service: inout Service) {
        service.capabilitiesAdded = field["cap_add"]?.texts ?? []
        service.capabilitiesDropped = field["cap_drop"]?.texts ?? []
        service.privileged = field["privileged"]?.flag ?? false
        service.securityOptions = field["security_opt"]?.texts ?? []
        service.deviceCgroupRules = field["device_cgroup_rules"]?.texts ?? []
        service.additionalGroups = field["group_add"]?.texts ?? []
        service.sysctls = field["sysctls"]?.pairs ?? [:]
        service.pidMode = field["pid"]?.filled
        service.ipcMode = field["ipc"]?.filled
        service.utsMode = field["uts"]?.filled
        service.cgroupMode = field["cgroup"]?.filled
        service.cgroupParent = field["cgroup_parent"]?.filled
        if let mode = field["userns_mode"]?.filled, mode != "host" {
            field["userns_mode"]?.warn(
                "userns_mode \"\(mode)\" has no effect: containers share the host's user namespace")
        }
        service.oomScoreAdjustment = field["oom_score_adj"]?.int
        service.devices = field["devices"]?.items.compactMap(device) ?? []
    }

    private func device(_ field: Field) -> DeviceMapping? {
        let source = field["source"]?.text ?? ""
        guard source.hasPrefix("/") else {
            if source.contains("=") {
                field.fail(
                    "the device \"\(source)\" is CDI's, which is not spoken yet", suggestion: "map its node by path")
            } else {
                field.fail("invalid device \"\(source)\"", suggestion: "write host[:container[:rwm]]")
            }
            return nil
        }
        return DeviceMapping(
            source: source, target: field["target"]?.text ?? source, permissions: field["permissions"]?.text ?? "rwm")
    }
}
