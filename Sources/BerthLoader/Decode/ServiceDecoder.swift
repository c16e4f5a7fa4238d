// One service's tree to a `Service`. Each family of keys has a method; the rest of the grammar is in the syntax files.
import BerthModel

struct ServiceDecoder {
    let mounts: MountSyntax
    /// The caller's environment, for keys given without a value.
    let environment: [String: String]
    /// Reads an env_file; nil, with a remark, where it cannot.
    let readEnvFile: (Field, String, Bool, Bool) -> [(String, String?)]?

    func decode(_ name: String, _ field: Field) -> Service {
        field.checkKeys(ServiceKeys.all, of: "service \(name)")
        for entry in field.node.entries ?? [] {
            if let reason = ServiceKeys.withoutEffect[entry.key] {
                field.remarks.warning(
                    entry.keyPlace, "\(field.path).\(entry.key)", "\(entry.key) has no effect: \(reason)")
            }
        }
        var service = Service(name: name)
        decodeProcess(field, &service)
        decodeEnvironment(field, &service)
        decodeDependencies(field, &service)
        decodeNetwork(field, &service)
        decodeStorage(field, &service)
        decodeResources(field, &service)
        decodeSecurity(field, &service)
        decodeDeploy(field["deploy"], &service)
        if service.image == nil && service.build == nil {
            field.remarks.error(
                field.node.place, field.path, "service \(name) has neither an image nor a build context",
                suggestion: "give it an image")
        }
        return service
    }

    private func decodeProcess(_ field: Field, _ service: inout Service) {
        service.image = field["image"]?.string()
        if let image = service.image, ImageReference(image) == nil {
            field["image"]?.fail(
                "invalid image name \"\(image)\"", suggestion: "names are lower case: [registry/]path[:tag]")
        }
        service.build = field["build"].flatMap(decodeBuild)
        service.platform = field["platform"]?.string()
        service.pullPolicy = field["pull_policy"]?.string()
        service.containerName = field["container_name"]?.string()
        if let name = service.containerName, !NameRules.isContainerName(name) {
            field["container_name"]?.fail(
                "invalid container name \"\(name)\"", suggestion: "letters, digits, _ . and -, at least two")
        }
        service.command = field["command"]?.command()
        service.entrypoint = field["entrypoint"]?.command()
        service.user = field["user"]?.string()
        service.workingDirectory = field["working_dir"]?.string()
        service.hostname = field["hostname"]?.string()
        service.domainName = field["domainname"]?.string()
        service.initProcess = field["init"]?.bool() ?? false
        service.tty = field["tty"]?.bool() ?? false
        service.standardInputOpen = field["stdin_open"]?.bool() ?? false
        service.stopSignal = field["stop_signal"]?.string()
        if let signal = service.stopSignal, Signal.number(signal) == nil {
            field["stop_signal"]?.fail("there is no signal \"\(signal)\"")
        }
        service.stopGracePeriod = field["stop_grace_period"]?.duration()
        if let policy = field["restart"] { service.restart = restart(policy) }
        service.labels = Dictionary(field["labels"]?.pairs().map { ($0.key, $0.value ?? "") } ?? []) { $1 }
        service.annotations = Dictionary(field["annotations"]?.pairs().map { ($0.key, $0.value ?? "") } ?? []) { $1 }
        service.profiles = field["profiles"]?.strings() ?? []
        service.attach = field["attach"]?.bool() ?? true
        service.runtime = field["runtime"]?.string()
        if let runtime = service.runtime, !["runc", "crun", "io.containerd.runc.v2"].contains(runtime) {
            field["runtime"]?.warn("the runtime \"\(runtime)\" is not there; berth's own is used")
        }
        if let logging = field["logging"] { service.logging = decodeLogging(logging) }
        if let scale = field["scale"]?.int() {
            if scale < 0 { field["scale"]?.fail("expected 0 or more replicas") } else { service.replicas = scale }
        }
    }

    private func decodeLogging(_ field: Field) -> Logging {
        field.checkKeys(["driver", "options"], of: "logging")
        var logging = Logging()
        logging.driver = field["driver"]?.string()
        if let driver = logging.driver, !["json-file", "local", "none"].contains(driver) {
            field["driver"]?.warn("the logging driver \"\(driver)\" is not there; json-file is used")
        }
        logging.options = Dictionary(field["options"]?.pairs().map { ($0.key, $0.value ?? "") } ?? []) { $1 }
        return logging
    }

    private func decodeBuild(_ field: Field) -> BuildDefinition? {
        field.warn("berth does not build images yet", suggestion: "import or load the image, and name it with image:")
        if let context = field.node.text { return BuildDefinition(context: mounts.absolute(context)) }
        var build = BuildDefinition(context: mounts.absolute(field["context"]?.string() ?? "."))
        build.dockerfile = field["dockerfile"]?.string()
        build.dockerfileInline = field["dockerfile_inline"]?.string()
        if build.dockerfile != nil && build.dockerfileInline != nil {
            field.fail("dockerfile and dockerfile_inline exclude each other")
        }
        build.arguments = Dictionary(field["args"]?.pairs().map { ($0.key, $0.value) } ?? []) { $1 }
        build.target = field["target"]?.string()
        return build
    }

    private func restart(_ field: Field) -> RestartPolicy {
        if field.node.text == "false" { return .no }
        guard let text = field.string() else { return .no }
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
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

    private func decodeEnvironment(_ field: Field, _ service: inout Service) {
        if let files = field["env_file"] {
            let list = files.node.items != nil ? files.list() : [files]
            for file in list {
                var path: String?
                var required = true
                var raw = false
                if file.node.entries != nil {
                    file.checkKeys(["path", "required", "format"], of: "env_file")
                    path = file["path"]?.string()
                    required = file["required"]?.bool() ?? true
                    raw = file["format"]?.string() == "raw"
                } else {
                    path = file.string()
                }
                guard let path else { continue }
                for (key, value) in readEnvFile(file, mounts.absolute(path), required, raw) ?? [] {
                    service.environment[key] = .some(value ?? environment[key])
                }
            }
        }
        for pair in field["environment"]?.pairs() ?? [] {
            if let value = pair.value {
                service.environment[pair.key] = .some(value)
            } else if let inherited = environment[pair.key] {
                service.environment[pair.key] = .some(inherited)
            } else {
                service.environment[pair.key] = .some(nil)
            }
        }
    }

    private func decodeStorage(_ field: Field, _ service: inout Service) {
        service.mounts = field["volumes"]?.list().compactMap { mounts.decode($0) } ?? []
        if let tmpfs = field["tmpfs"] {
            let fields = tmpfs.node.items != nil ? tmpfs.list() : [tmpfs]
            service.mounts += fields.compactMap { mounts.tmpfs($0) }
        }
        var seen: Set<String> = []
        for mount in service.mounts where !seen.insert(mount.target).inserted {
            field["volumes"]?.fail("two mounts have the target \(mount.target)")
        }
        service.secrets =
            field["secrets"]?.list().compactMap {
                mounts.material($0, defaultTarget: { "/run/secrets/\($0)" }, base: "/run/secrets/")
            } ?? []
        service.configs =
            field["configs"]?.list().compactMap { mounts.material($0, defaultTarget: { "/\($0)" }, base: "/") } ?? []
        service.readOnlyRoot = field["read_only"]?.bool() ?? false
        service.shmSizeBytes = field["shm_size"]?.bytes()
        service.volumesFrom =
            field["volumes_from"]?.strings().map { text in
                let parts = text.split(separator: ":").map(String.init)
                if parts.first == "container" && parts.count >= 2 {
                    return VolumesFrom(source: .container(parts[1]), readOnly: parts.count > 2 && parts[2] == "ro")
                }
                return VolumesFrom(source: .service(parts.first ?? ""), readOnly: parts.count > 1 && parts[1] == "ro")
            } ?? []
    }

    private func decodeSecurity(_ field: Field, _ service: inout Service) {
        service.capabilitiesAdded = field["cap_add"]?.strings() ?? []
        service.capabilitiesDropped = field["cap_drop"]?.strings() ?? []
        service.privileged = field["privileged"]?.bool() ?? false
        service.securityOptions = field["security_opt"]?.strings() ?? []
        service.deviceCgroupRules = field["device_cgroup_rules"]?.strings() ?? []
        service.additionalGroups = field["group_add"]?.strings() ?? []
        service.sysctls = Dictionary(field["sysctls"]?.pairs().map { ($0.key, $0.value ?? "") } ?? []) { $1 }
        service.pidMode = field["pid"]?.string()
        service.ipcMode = field["ipc"]?.string()
        service.utsMode = field["uts"]?.string()
        service.cgroupMode = field["cgroup"]?.string()
        service.oomScoreAdjustment = field["oom_score_adj"]?.int()
        if let score = service.oomScoreAdjustment, !(-1000...1000).contains(score) {
            field["oom_score_adj"]?.fail("expected -1000 to 1000, found \(score)")
        }
        service.devices = field["devices"]?.list().compactMap(device) ?? []
    }

    private func device(_ field: Field) -> DeviceMapping? {
        if field.node.entries != nil {
            guard let source = field["source"]?.string() else { field.fail("a device needs a source"); return nil }
            return DeviceMapping(
                source: source, target: field["target"]?.string() ?? source,
                permissions: field["permissions"]?.string() ?? "rwm")
        }
        guard let text = field.string() else { return nil }
        let parts = text.split(separator: ":").map(String.init)
        guard let source = parts.first, source.hasPrefix("/") else {
            field.fail("invalid device \"\(text)\"", suggestion: "write host[:container[:rwm]]")
            return nil
        }
        return DeviceMapping(
            source: source, target: parts.count > 1 ? parts[1] : source, permissions: parts.count > 2 ? parts[2] : "rwm"
        )
    }
}
