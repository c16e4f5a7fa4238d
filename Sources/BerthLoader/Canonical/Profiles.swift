// Which services are on, and which resources they need.

struct Profiles {
    let active: Set<String>
    let selected: Set<String>

    init(_ options: LoadOptions, _ environment: [String: String]) {
        var names = options.profiles
        if names.isEmpty, let list = environment["COMPOSE_PROFILES"] {
            names = list.split(separator: ",").map { String($0).trimmed }
        }
        // Without any, the profile without a name is on.
        active = names.isEmpty ? [""] : Set(names)
        selected = Set(options.selectedServices)
    }

    /// Services without profiles are on; `*` means all; one that is named turns its own profiles on.
    func split(_ root: inout Node) -> [Node.Entry] {
        guard let entries = root["services"]?.entries else { return [] }
        var names = active
        for entry in entries where selected.contains(entry.key) { names.formUnion(Profiles.of(entry.value)) }
        if names.contains("*") { return [] }
        func isOn(_ entry: Node.Entry) -> Bool {
            let own = Profiles.of(entry.value)
            return own.isEmpty || !names.isDisjoint(with: own)
        }
        let off = entries.filter { !isOn($0) }
        if !off.isEmpty { root.update("services") { $0.value = .mapping(entries.filter(isOn)) } }
        return off
    }

    private static func of(_ service: Node) -> [String] { service["profiles"]?.items?.compactMap(\.string) ?? [] }
}

/// Named services with everything that they depend on, and nothing else.
enum Selection {
    static func keep(_ names: [String], in root: inout Node) {
        let services = Dictionary(
            (root["services"]?.entries ?? []).map { ($0.key, $0.value) }, uniquingKeysWith: { first, _ in first })
        var kept: Set<String> = []
        var waiting = names
        while let name = waiting.popLast() {
            // What a profile leaves out is no dependency.
            guard let service = services[name], kept.insert(name).inserted else { continue }
            waiting += service["depends_on"]?.entries?.map(\.key) ?? []
        }
        root.update("services") { all in
            all.value = .mapping((all.entries ?? []).filter { kept.contains($0.key) })
            all.updateEntries { entry in
                guard let dependencies = entry.value["depends_on"]?.entries else { return }
                let left = dependencies.filter { kept.contains($0.key) }
                if left.isEmpty {
                    entry.value.remove("depends_on")
                } else {
                    entry.value.update("depends_on") { $0.value = .mapping(left) }
                }
            }
        }
    }
}

/// Resources that no active service uses are not part of the stack.
enum UnusedResources {
    static func drop(from root: inout Node) {
        var networks: Set<String> = []
        var volumes: Set<String> = []
        var secrets: Set<String> = []
        var configs: Set<String> = []
        var models: Set<String> = []
        for entry in root["services"]?.entries ?? [] {
            let service = entry.value
            networks.formUnion(service["networks"]?.entries?.map(\.key) ?? [])
            for mount in service["volumes"]?.items ?? [] where mount["type"]?.string == "volume" {
                if let source = mount["source"]?.string { volumes.insert(source) }
            }
            for list in [service["secrets"], service["build"]?["secrets"]] {
                secrets.formUnion(list?.items?.compactMap { $0["source"]?.string } ?? [])
            }
            models.formUnion(service["models"]?.entries?.map(\.key) ?? [])
            configs.formUnion(service["configs"]?.items?.compactMap { $0["source"]?.string } ?? [])
        }
        for (kind, used) in [
            ("networks", networks), ("volumes", volumes), ("secrets", secrets), ("configs", configs),
            ("models", models),
        ] {
            guard let entries = root[kind]?.entries else { continue }
            let kept = entries.filter { used.contains($0.key) }
            if kept.isEmpty { root.remove(kind) } else { root.update(kind) { $0.value = .mapping(kept) } }
        }
    }
}
