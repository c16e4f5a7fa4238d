// The whole tree to a `Stack`: services, networks, volumes, secrets, configs.
import BerthModel

struct StackDecoder {
    let services: ServiceDecoder
    let mounts: MountSyntax
    let stackName: String

    static func checkTopLevel(_ root: Field) {
        root.checkKeys(
            ["version", "name", "services", "networks", "volumes", "secrets", "configs", "include", "models"],
            of: "a stack file")
    }

    func decode(_ root: Field, into stack: inout Stack) {
        StackDecoder.checkTopLevel(root)
        root["version"]?.warn("the top-level version is obsolete and has no effect", suggestion: "remove it")
        root["include"]?.fail("include is not supported yet", suggestion: "name the files with -f instead")
        root["models"]?.warn("models need a model runner and have no effect")
        for (name, field) in root["services"]?.map() ?? [] {
            guard field.node.entries != nil else {
                field.fail("a service is a map, and this is \(field.node.kindName)")
                continue
            }
            stack.services[name] = services.decode(name, field)
        }
        for (key, field) in root["networks"]?.map() ?? [] { stack.networks[key] = network(key, field) }
        for (key, field) in root["volumes"]?.map() ?? [] { stack.volumes[key] = volume(key, field) }
        for (key, field) in root["secrets"]?.map() ?? [] {
            stack.secrets[key] = material(key, field, allowsContent: false)
        }
        for (key, field) in root["configs"]?.map() ?? [] {
            stack.configs[key] = material(key, field, allowsContent: true)
        }
    }

    private func name(_ key: String, _ field: Field, isExternal: Bool) -> String {
        field["name"]?.string() ?? field["external"]?["name"]?.string() ?? (isExternal ? key : "\(stackName)_\(key)")
    }

    private func isExternal(_ field: Field) -> Bool {
        guard let external = field["external"] else { return false }
        return external.node.entries != nil ? true : external.bool() ?? false
    }

    private func labels(_ field: Field) -> [String: String] {
        Dictionary(field["labels"]?.pairs().map { ($0.key, $0.value ?? "") } ?? []) { $1 }
    }

    private func network(_ key: String, _ field: Field) -> NetworkDefinition {
        field.checkKeys(
            [
                "name", "driver", "driver_opts", "ipam", "external", "internal", "enable_ipv4", "enable_ipv6",
                "attachable", "labels",
            ],
            of: "network \(key)")
        var definition = NetworkDefinition(key: key, name: name(key, field, isExternal: isExternal(field)))
        definition.isExternal = isExternal(field)
        definition.driver = field["driver"]?.string()
        if let driver = definition.driver, !["bridge", "default"].contains(driver) {
            field["driver"]?.warn("the network driver \"\(driver)\" is not there; a bridge is used")
        }
        definition.driverOptions = Dictionary(field["driver_opts"]?.pairs().map { ($0.key, $0.value ?? "") } ?? []) {
            $1
        }
        definition.isInternal = field["internal"]?.bool() ?? false
        definition.isAttachable = field["attachable"]?.bool() ?? false
        definition.enableIPv4 = field["enable_ipv4"]?.bool()
        definition.enableIPv6 = field["enable_ipv6"]?.bool()
        if definition.enableIPv6 == true { field["enable_ipv6"]?.warn("IPv6 has no effect yet") }
        definition.labels = labels(field)
        guard let ipam = field["ipam"] else { return definition }
        ipam.checkKeys(["driver", "config", "options"], of: "ipam")
        definition.pools = ipam["config"]?.list().map(pool) ?? []
        return definition
    }

    private func pool(_ field: Field) -> NetworkDefinition.AddressPool {
        field.checkKeys(["subnet", "ip_range", "gateway", "aux_addresses"], of: "an address pool")
        var pool = NetworkDefinition.AddressPool()
        for (key, path) in [("subnet", \NetworkDefinition.AddressPool.subnet), ("ip_range", \.ipRange)] {
            guard let text = field[key]?.string() else { continue }
            if IPv4Prefix(text) == nil {
                if text.contains(":") { field[key]?.warn("IPv6 pools have no effect yet"); continue }
                field[key]?.fail("\"\(text)\" is not a subnet", suggestion: "write it as 172.20.0.0/16")
            }
            pool[keyPath: path] = text
        }
        pool.gateway = field["gateway"]?.string()
        if let gateway = pool.gateway, IPv4Address(gateway) == nil, !gateway.contains(":") {
            field["gateway"]?.fail("\"\(gateway)\" is not an IPv4 address")
        }
        pool.auxiliaryAddresses = Dictionary(field["aux_addresses"]?.pairs().map { ($0.key, $0.value ?? "") } ?? []) {
            $1
        }
        return pool
    }

    private func volume(_ key: String, _ field: Field) -> VolumeDefinition {
        field.checkKeys(["name", "driver", "driver_opts", "external", "labels"], of: "volume \(key)")
        var definition = VolumeDefinition(key: key, name: name(key, field, isExternal: isExternal(field)))
        definition.isExternal = isExternal(field)
        definition.driver = field["driver"]?.string()
        if let driver = definition.driver, driver != "local" {
            field["driver"]?.warn("the volume driver \"\(driver)\" is not there; local is used")
        }
        definition.driverOptions = Dictionary(field["driver_opts"]?.pairs().map { ($0.key, $0.value ?? "") } ?? []) {
            $1
        }
        if !definition.driverOptions.isEmpty { field["driver_opts"]?.warn("driver_opts of volumes have no effect yet") }
        definition.labels = labels(field)
        if !NameRules.isContainerName(definition.name) { field.fail("invalid volume name \"\(definition.name)\"") }
        return definition
    }

    private func material(_ key: String, _ field: Field, allowsContent: Bool) -> MaterialDefinition {
        var known: Set<String> = [
            "name", "environment", "file", "external", "labels", "template_driver", "driver", "driver_opts",
        ]
        if allowsContent { known.insert("content") }
        field.checkKeys(known, of: allowsContent ? "config \(key)" : "secret \(key)")
        var sources: [MaterialDefinition.Source] = []
        if let file = field["file"]?.string() { sources.append(.file(mounts.absolute(file))) }
        if let variable = field["environment"]?.string() { sources.append(.environment(variable)) }
        if allowsContent, let content = field["content"]?.string() { sources.append(.content(content)) }
        if isExternal(field) {
            sources.append(.external)
            field.fail(
                "external secrets and configs need a cluster",
                suggestion: "use file:, environment:\(allowsContent ? " or content:" : "")")
        }
        if sources.count != 1 {
            field.fail(
                "it has \(sources.count) sources and needs exactly one",
                suggestion: "file:, environment:\(allowsContent ? " or content:" : "")")
        }
        var definition = MaterialDefinition(
            key: key, name: name(key, field, isExternal: isExternal(field)), source: sources.first ?? .external)
        definition.labels = labels(field)
        return definition
    }
}
