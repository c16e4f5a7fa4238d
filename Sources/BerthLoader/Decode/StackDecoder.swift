// The typed tree to a `Stack`: services, networks, volumes, secrets, configs.
import BerthModel

struct StackDecoder {
    let remarks: Remarks

    func decode(_ root: Node, inactive: [Node.Entry], into stack: inout Stack) {
        for entry in root["services"]?.entries ?? [] { stack.services[entry.key] = service(entry) }
        // What is off is never made; what this host cannot do for it does not matter.
        let quiet = StackDecoder(remarks: Remarks(after: remarks))
        for entry in inactive { stack.inactiveServices[entry.key] = quiet.service(entry) }
        for (key, field) in resources(root, "networks") { stack.networks[key] = network(key, field) }
        let services = Array(stack.services.values) + Array(stack.inactiveServices.values)
        let bridge = NetworkDefinition.hostBridge
        if services.contains(where: { $0.networks[bridge.key] != nil }) { stack.networks[bridge.key] = bridge }
        for (key, field) in resources(root, "volumes") { stack.volumes[key] = volume(key, field) }
        for (key, field) in resources(root, "secrets") { stack.secrets[key] = material(key, field) }
        for (key, field) in resources(root, "configs") { stack.configs[key] = material(key, field) }
        if let mark = root.keyMark("models") {
            remarks.warning(mark, "models", "models need a model runner and have no effect")
        }
    }

    private func service(_ entry: Node.Entry) -> Service {
        let path = TreePath.root.key("services").key(entry.key)
        return ServiceDecoder().decode(entry.key, Field(node: entry.value, path: path, remarks: remarks))
    }

    private func resources(_ root: Node, _ kind: String) -> [(String, Field)] {
        (root[kind]?.entries ?? []).map {
            ($0.key, Field(node: $0.value, path: TreePath.root.key(kind).key($0.key), remarks: remarks))
        }
    }

    private func network(_ key: String, _ field: Field) -> NetworkDefinition {
        var definition = NetworkDefinition(key: key, name: field["name"]?.text ?? key)
        definition.isExternal = field["external"]?.flag ?? false
        if definition.isHostBridge && !definition.isExternal {
            field["name"]?.fail(
                "\(definition.name) is the host's own network", suggestion: "choose another name, or external: true")
        }
        definition.driver = field["driver"]?.filled
        if let driver = definition.driver, !["bridge", "default"].contains(driver) {
            field["driver"]?.warn("the network driver \"\(driver)\" is not there; a bridge is used")
        }
        definition.driverOptions = field["driver_opts"]?.pairs ?? [:]
        definition.isInternal = field["internal"]?.flag ?? false
        definition.isAttachable = field["attachable"]?.flag ?? false
        definition.enableIPv4 = field["enable_ipv4"]?.node.bool
        definition.enableIPv6 = field["enable_ipv6"]?.node.bool
        if definition.enableIPv6 == true { field["enable_ipv6"]?.warn("IPv6 has no effect yet") }
        definition.labels = field["labels"]?.pairs ?? [:]
        definition.pools = field["ipam"]?["config"]?.items.map(pool) ?? []
        return definition
    }

    private func pool(_ field: Field) -> NetworkDefinition.AddressPool {
        var pool = NetworkDefinition.AddressPool()
        for (key, path) in [("subnet", \NetworkDefinition.AddressPool.subnet), ("ip_range", \.ipRange)] {
            guard let text = field[key]?.filled else { continue }
            if IPv4Prefix(text) == nil {
                if text.contains(":") {
                    field[key]?.warn("IPv6 pools have no effect yet")
                    continue
                }
                field[key]?.fail("\"\(text)\" is not a subnet", suggestion: "write it as 172.20.0.0/16")
            }
            pool[keyPath: path] = text
        }
        pool.gateway = field["gateway"]?.filled
        if let gateway = pool.gateway, IPv4Address(gateway) == nil, !gateway.contains(":") {
            field["gateway"]?.fail("\"\(gateway)\" is not an IPv4 address")
        }
        pool.auxiliaryAddresses = field["aux_addresses"]?.pairs ?? [:]
        return pool
    }

    private func volume(_ key: String, _ field: Field) -> VolumeDefinition {
        var definition = VolumeDefinition(key: key, name: field["name"]?.text ?? key)
        definition.isExternal = field["external"]?.flag ?? false
        definition.driver = field["driver"]?.filled
        if let driver = definition.driver, driver != "local" {
            field["driver"]?.warn("the volume driver \"\(driver)\" is not there; local is used")
        }
        if let options = field["driver_opts"], definition.driver == nil || definition.driver == "local" {
            definition.driverOptions = options.pairs
            checkLocalDriver(options, definition.driverOptions)
        }
        definition.labels = field["labels"]?.pairs ?? [:]
        if !NameRules.isContainerName(definition.name) { field.fail("invalid volume name \"\(definition.name)\"") }
        return definition
    }

    /// What Docker's local driver takes: a device with its type, and their options.
    private func checkLocalDriver(_ field: Field, _ options: [String: String]) {
        for key in options.keys.sorted() where !["type", "device", "o"].contains(key) {
            if key == "size" {
                field.fail("a volume's size cannot be limited", suggestion: "for a tmpfs, write o: size=100m")
            } else {
                field.fail("invalid option \"\(key)\"", suggestion: "the local driver has type, device and o")
            }
        }
        let given = ["type", "device"].filter { !(options[$0] ?? "").isEmpty }
        if given.count == 1 || (given.isEmpty && options["o"] != nil) {
            let missing = given == ["type"] ? "device" : "type"
            field.fail(
                "missing option \"\(missing)\"",
                suggestion: "a directory is type: none, o: bind, device: /path; memory is type: tmpfs, device: tmpfs")
        }
    }

    private func material(_ key: String, _ field: Field) -> MaterialDefinition {
        let isExternal = field["external"]?.flag ?? false
        if isExternal {
            field.fail("external secrets and configs need a cluster", suggestion: "use file: or environment:")
        }
        let source: MaterialDefinition.Source =
            field["content"]?.text.map { .content($0) } ?? field["environment"]?.filled.map { .environment($0) }
            ?? field["file"]?.text.map { .file($0) } ?? .external
        var definition = MaterialDefinition(key: key, name: field["name"]?.text ?? key, source: source)
        definition.labels = field["labels"]?.pairs ?? [:]
        return definition
    }
}
