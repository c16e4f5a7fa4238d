// A stack back to text, keys sorted, as `config` prints it.
import BerthModel

/// A small document tree with two printed forms.
package indirect enum StackDocument: Equatable, Sendable {
    case null
    case bool(Bool)
    case int(Int64)
    case string(String)
    case list([StackDocument])
    case map([String: StackDocument])

    package var json: String { json(indent: "") }

    private func json(indent: String) -> String {
        let deeper = indent + "  "
        switch self {
        case .null: return "null"
        case .bool(let value): return "\(value)"
        case .int(let value): return "\(value)"
        case .string(let text): return StackDocument.quote(text)
        case .list(let items):
            if items.isEmpty { return "[]" }
            return "[\n" + items.map { deeper + $0.json(indent: deeper) }.joined(separator: ",\n") + "\n\(indent)]"
        case .map(let entries):
            if entries.isEmpty { return "{}" }
            let lines = entries.keys.sorted().map {
                "\(deeper)\(StackDocument.quote($0)): \((entries[$0] ?? .null).json(indent: deeper))"
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
        }
    }

    package var yaml: String { yamlLines("").joined(separator: "\n") + "\n" }

    private func yamlLines(_ indent: String) -> [String] {
        switch self {
        case .map(let entries):
            return entries.keys.sorted().flatMap { key -> [String] in
                let value = entries[key] ?? .null
                let head = "\(indent)\(StackDocument.plain(key)):"
                switch value {
                case .map(let inner) where !inner.isEmpty: return [head] + value.yamlLines(indent + "  ")
                case .list(let items) where !items.isEmpty: return [head] + value.yamlLines(indent + "  ")
                default: return ["\(head) \(value.inline)"]
                }
            }
        case .list(let items):
            return items.flatMap { item -> [String] in
                if case .map(let inner) = item, !inner.isEmpty {
                    let lines = item.yamlLines(indent + "  ")
                    return ["\(indent)- \(lines[0].dropFirst(indent.count + 2))"] + lines.dropFirst()
                }
                return ["\(indent)- \(item.inline)"]
            }
        default: return [indent + inline]
        }
    }

    private var inline: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .string(let text): StackDocument.plain(text)
        case .list: "[]"
        case .map: "{}"
        }
    }

    /// Plain where YAML reads it back as the same text, quoted elsewhere.
    private static func plain(_ text: String) -> String {
        let special: Set<Character> = [
            "-", "?", ":", ",", "[", "]", "{", "}", "#", "&", "*", "!", "|", ">", "'", "\"", "%", "@", "`", " ",
        ]
        let risky =
            text.isEmpty || special.contains(text.first ?? " ") || text.hasSuffix(" ") || text.hasSuffix(":")
            || text.contains(": ")
            || text.contains(" #") || text.unicodeScalars.contains { $0.value < 0x20 } || Scalars.float(text) != nil
            || Scalars.boolean(text) != nil
            || ["null", "~", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
        return risky ? quote(text) : text
    }

    private static func quote(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20: result += "\\u00" + Hex.encode([UInt8(scalar.value)])
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

package enum StackWriter {
    package static func document(_ stack: Stack) -> StackDocument {
        var root: [String: StackDocument] = ["name": .string(stack.name)]
        root["services"] = .map(stack.services.mapValues(service))
        if !stack.networks.isEmpty { root["networks"] = .map(stack.networks.mapValues(network)) }
        if !stack.volumes.isEmpty { root["volumes"] = .map(stack.volumes.mapValues(volume)) }
        if !stack.secrets.isEmpty { root["secrets"] = .map(stack.secrets.mapValues(material)) }
        if !stack.configs.isEmpty { root["configs"] = .map(stack.configs.mapValues(material)) }
        return .map(root)
    }

    private static func texts(_ values: [String]) -> StackDocument { .list(values.map { .string($0) }) }
    private static func map(_ values: [String: String]) -> StackDocument { .map(values.mapValues { .string($0) }) }

    private static func service(_ service: Service) -> StackDocument {
        var out: [String: StackDocument] = [
            "command": service.command.map(texts) ?? .null, "entrypoint": service.entrypoint.map(texts) ?? .null,
        ]
        func set(_ key: String, _ value: String?) { if let value { out[key] = .string(value) } }
        func set(_ key: String, _ values: [String]) { if !values.isEmpty { out[key] = texts(values) } }
        func set(_ key: String, _ flag: Bool) { if flag { out[key] = .bool(true) } }
        set("image", service.image); set("container_name", service.containerName); set("hostname", service.hostname)
        set("user", service.user); set("working_dir", service.workingDirectory); set("stop_signal", service.stopSignal)
        set("platform", service.platform); set("pid", service.pidMode); set("ipc", service.ipcMode)
        set("init", service.initProcess); set("tty", service.tty); set("stdin_open", service.standardInputOpen)
        set("privileged", service.privileged); set("read_only", service.readOnlyRoot)
        set("cap_add", service.capabilitiesAdded); set("cap_drop", service.capabilitiesDropped);
        set("profiles", service.profiles)
        set("security_opt", service.securityOptions); set("dns", service.dns); set("dns_search", service.dnsSearch)
        if let grace = service.stopGracePeriod { out["stop_grace_period"] = .string(duration(grace)) }
        if !service.environment.isEmpty {
            out["environment"] = .map(service.environment.mapValues { $0.map { .string($0) } ?? .null })
        }
        if !service.labels.isEmpty { out["labels"] = map(service.labels) }
        if !service.sysctls.isEmpty { out["sysctls"] = map(service.sysctls) }
        if service.replicas != 1 { out["deploy"] = .map(["replicas": .int(Int64(service.replicas))]) }
        if let memory = service.resources.memoryLimitBytes { out["mem_limit"] = .string("\(memory)") }
        if let count = service.resources.processLimit { out["pids_limit"] = .int(count) }
        switch service.restart {
        case .no: break
        case .always: out["restart"] = .string("always")
        case .unlessStopped: out["restart"] = .string("unless-stopped")
        case .onFailure(let count): out["restart"] = .string("on-failure" + (count.map { ":\($0)" } ?? ""))
        }
        relations(service, &out)
        return .map(out)
    }

    private static func relations(_ service: Service, _ out: inout [String: StackDocument]) {
        if !service.dependsOn.isEmpty {
            out["depends_on"] = .map(
                service.dependsOn.mapValues { dependency in
                    var entry: [String: StackDocument] = [
                        "condition": .string(dependency.condition.rawValue), "required": .bool(dependency.required),
                    ]
                    if dependency.restart { entry["restart"] = .bool(true) }
                    return .map(entry)
                })
        }
        if let check = service.healthcheck { out["healthcheck"] = health(check) }
        switch service.networkMode {
        case .none?: out["network_mode"] = .string("none")
        case .host?: out["network_mode"] = .string("host")
        case .bridge?: out["network_mode"] = .string("bridge")
        case .service(let name)?: out["network_mode"] = .string("service:\(name)")
        case .container(let name)?: out["network_mode"] = .string("container:\(name)")
        case nil:
            out["networks"] = .map(
                service.networks.mapValues { attachment in
                    var entry: [String: StackDocument] = [:]
                    if !attachment.aliases.isEmpty { entry["aliases"] = texts(attachment.aliases) }
                    if let address = attachment.ipv4Address { entry["ipv4_address"] = .string(address) }
                    return entry.isEmpty ? .null : .map(entry)
                })
        }
        if !service.ports.isEmpty { out["ports"] = .list(service.ports.map(port)) }
        if !service.expose.isEmpty {
            out["expose"] = texts(
                service.expose.map {
                    $0.ports.count == 1 ? "\($0.ports.lowerBound)" : "\($0.ports.lowerBound)-\($0.ports.upperBound)"
                })
        }
        if !service.mounts.isEmpty { out["volumes"] = .list(service.mounts.map(mount)) }
        if !service.secrets.isEmpty { out["secrets"] = .list(service.secrets.map(reference)) }
        if !service.configs.isEmpty { out["configs"] = .list(service.configs.map(reference)) }
    }

    private static func port(_ port: PortMapping) -> StackDocument {
        var entry: [String: StackDocument] = [
            "mode": .string(port.mode), "target": .int(Int64(port.target)),
            "protocol": .string(port.transport.rawValue),
        ]
        if let range = port.published {
            entry["published"] = .string(
                range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound)-\(range.upperBound)")
        }
        if let address = port.hostAddress { entry["host_ip"] = .string(address) }
        return .map(entry)
    }

    private static func mount(_ mount: MountDefinition) -> StackDocument {
        var entry: [String: StackDocument] = ["target": .string(mount.target)]
        if mount.readOnly { entry["read_only"] = .bool(true) }
        switch mount.kind {
        case .volume(let key, let noCopy, let subpath):
            entry["type"] = .string("volume")
            if let key { entry["source"] = .string(key) }
            var options: [String: StackDocument] = [:]
            if noCopy { options["nocopy"] = .bool(true) }
            if let subpath { options["subpath"] = .string(subpath) }
            entry["volume"] = .map(options)
        case .bind(let source, let createHostPath, let propagation):
            entry["type"] = .string("bind")
            entry["source"] = .string(source)
            var options: [String: StackDocument] = createHostPath ? ["create_host_path": .bool(true)] : [:]
            if let propagation { options["propagation"] = .string(propagation) }
            entry["bind"] = .map(options)
        case .tmpfs(let size, _, _):
            entry["type"] = .string("tmpfs")
            if let size { entry["tmpfs"] = .map(["size": .string("\(size)")]) }
        case .image(let reference, _):
            entry["type"] = .string("image")
            entry["source"] = .string(reference)
        }
        return .map(entry)
    }

    private static func reference(_ reference: MaterialReference) -> StackDocument {
        var entry: [String: StackDocument] = ["source": .string(reference.source), "target": .string(reference.target)]
        if let id = reference.userID { entry["uid"] = .string(id) }
        if let id = reference.groupID { entry["gid"] = .string(id) }
        if let mode = reference.mode { entry["mode"] = .string("0" + String(mode, radix: 8)) }
        return .map(entry)
    }

    private static func health(_ check: Healthcheck) -> StackDocument {
        var entry: [String: StackDocument] = [:]
        switch check.test {
        case .none?: return .map(["disable": .bool(true)])
        case .command(let words)?: entry["test"] = texts(["CMD"] + words)
        case .shell(let text)?: entry["test"] = texts(["CMD-SHELL", text])
        case nil: break
        }
        if let value = check.interval { entry["interval"] = .string(duration(value)) }
        if let value = check.timeout { entry["timeout"] = .string(duration(value)) }
        if let value = check.startPeriod { entry["start_period"] = .string(duration(value)) }
        if let value = check.startInterval { entry["start_interval"] = .string(duration(value)) }
        if let value = check.retries { entry["retries"] = .int(Int64(value)) }
        return .map(entry)
    }

    private static func network(_ network: NetworkDefinition) -> StackDocument {
        var entry: [String: StackDocument] = ["name": .string(network.name), "ipam": .map([:])]
        if network.isExternal { entry["external"] = .bool(true) }
        if network.isInternal { entry["internal"] = .bool(true) }
        if let driver = network.driver { entry["driver"] = .string(driver) }
        return .map(entry)
    }

    private static func volume(_ volume: VolumeDefinition) -> StackDocument {
        var entry: [String: StackDocument] = ["name": .string(volume.name)]
        if volume.isExternal { entry["external"] = .bool(true) }
        return .map(entry)
    }

    private static func material(_ material: MaterialDefinition) -> StackDocument {
        var entry: [String: StackDocument] = ["name": .string(material.name)]
        switch material.source {
        case .file(let path): entry["file"] = .string(path)
        case .environment(let name): entry["environment"] = .string(name)
        case .content(let text): entry["content"] = .string(text)
        case .external: entry["external"] = .bool(true)
        }
        return .map(entry)
    }

    /// Go's way: `1m30s`.
    static func duration(_ value: Duration) -> String {
        let (seconds, attoseconds) = value.components
        let milliseconds = attoseconds / 1_000_000_000_000_000
        if seconds == 0 && milliseconds != 0 { return "\(milliseconds)ms" }
        var text = ""
        if seconds >= 3600 { text += "\(seconds / 3600)h" }
        if seconds >= 60 { text += "\(seconds / 60 % 60)m" }
        let fraction =
            milliseconds == 0 ? "" : ".\(milliseconds < 10 ? "00" : milliseconds < 100 ? "0" : "")\(milliseconds)"
        return text + "\(seconds % 60)\(fraction)s"
    }
}
