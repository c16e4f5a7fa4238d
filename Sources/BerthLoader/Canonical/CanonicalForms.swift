// Short forms to long ones, by tree path: afterwards each key has one form.
import BerthModel

enum CanonicalForm: Sendable {
    case build, contexts, dependencies, envFile, gpus, networks, names, mount, textList, device, material, ports
    case resource, attestation

    static let rules = RuleTree<CanonicalForm>([
        ("services.*.build", .build),
        ("services.*.build.secrets.*", .material),
        ("services.*.build.additional_contexts", .contexts),
        ("services.*.build.provenance", .attestation), ("services.*.build.sbom", .attestation),
        ("services.*.develop.watch.*.ignore", .textList), ("services.*.develop.watch.*.include", .textList),
        ("services.*.depends_on", .dependencies),
        ("services.*.env_file", .envFile),
        ("services.*.label_file", .textList),
        ("services.*.gpus", .gpus),
        ("services.*.models", .names),
        ("services.*.networks", .networks),
        ("services.*.volumes.*", .mount),
        ("services.*.dns", .textList),
        ("services.*.devices.*", .device),
        ("services.*.secrets.*", .material),
        ("services.*.configs.*", .material),
        ("services.*.ports", .ports),
        ("volumes.*", .resource), ("networks.*", .resource), ("secrets.*", .resource), ("configs.*", .resource),
    ])

    static func apply(to root: inout Node, _ remarks: Remarks, ignoringMistakes: Bool) {
        let ignored = Remarks(after: remarks)
        root.apply(rules) { node, form, path in form.apply(&node, path, ignoringMistakes ? ignored : remarks) }
        omitEmpty(&root)
    }

    /// Texts that mean nothing when they are empty.
    private static func omitEmpty(_ root: inout Node) {
        root.update("services") { services in
            services.updateEntries { entry in
                entry.value.update("dns") { dns in
                    if let items = dns.items { dns.value = .sequence(items.filter { $0.string != "" }) }
                }
            }
        }
    }

    private func apply(_ node: inout Node, _ path: TreePath, _ remarks: Remarks) {
        switch self {
        case .build: if node.string != nil { node = CanonicalForm.map("context", node) }
        case .contexts: contexts(&node, path, remarks)
        case .dependencies: dependencies(&node)
        case .envFile: envFile(&node)
        case .gpus: if node.string != nil { node = Node(.sequence([CanonicalForm.map("count", node)]), at: node.mark) }
        case .networks, .names: names(&node)
        case .mount: mount(&node, path, remarks)
        case .textList: if node.string != nil { node = Node(.sequence([node]), at: node.mark) }
        case .attestation: if case .bool(let isOn) = node.value { node.value = .string(isOn ? "true" : "false") }
        case .device: device(&node, path, remarks)
        case .material: if node.string != nil { node = CanonicalForm.map("source", node) }
        case .ports: ports(&node, path, remarks)
        case .resource: resource(&node, path, remarks)
        }
    }

    private static func map(_ key: String, _ value: Node) -> Node {
        Node(.mapping([.init(key: key, mark: value.mark, value: value)]), at: value.mark)
    }

    private func contexts(_ node: inout Node, _ path: TreePath, _ remarks: Remarks) {
        guard let items = node.items else { return }
        var result = Node(.mapping([]), at: node.mark)
        for (number, item) in items.enumerated() {
            guard let text = item.string, let separator = text.firstIndex(of: "=") else {
                remarks.error(item.mark, path.index(number), "expected NAME=CONTEXT, found \(item.kindName)")
                continue
            }
            result.set(
                String(text[..<separator]), .string(String(text[text.index(after: separator)...]), at: item.mark))
        }
        node = result
    }

    private func dependencies(_ node: inout Node) {
        names(&node)
        node.updateEntries { entry in
            if entry.value.isNull { entry.value = Node(.mapping([]), at: entry.mark) }
            if entry.value["condition"] == nil {
                entry.value.set("condition", .string("service_started", at: entry.value.mark))
            }
            if entry.value["required"] == nil { entry.value.set("required", Node(.bool(true), at: entry.value.mark)) }
        }
    }

    private func names(_ node: inout Node) {
        guard let items = node.items else { return }
        var result = Node(.mapping([]), at: node.mark)
        for item in items { if let name = item.string { result.set(name, Node(.null, at: item.mark)) } }
        node = result
    }

    private func envFile(_ node: inout Node) {
        if node.string != nil { node = Node(.sequence([node]), at: node.mark) }
        node.updateItems { item in
            if item.string != nil { item = CanonicalForm.map("path", item) }
            if item.entries != nil, item["required"] == nil { item.set("required", Node(.bool(true), at: item.mark)) }
        }
    }

    private func mount(_ node: inout Node, _ path: TreePath, _ remarks: Remarks) {
        if let short = node.string {
            guard let volume = ShortVolume.parse(node, path, remarks) else { return }
            _ = short
            node = volume.node(at: node.mark)
        } else {
            node.update("target") { target in
                if let text = target.string { target.value = .string(PathText.cleanTarget(text)) }
            }
        }
    }

    private func device(_ node: inout Node, _ path: TreePath, _ remarks: Remarks) {
        guard let text = node.string else { return }
        guard let device = ShortDevice.parse(text) else {
            remarks.error(
                node.mark, path, "invalid device \"\(text)\": it has too many colons",
                suggestion: "write host[:container[:rwm]]")
            return
        }
        let mark = node.mark
        node = Node(
            .mapping(
                [("source", device.source), ("target", device.target), ("permissions", device.permissions)].map {
                    Node.Entry(key: $0.0, mark: mark, value: .string($0.1, at: mark))
                }), at: mark)
    }

    private func ports(_ node: inout Node, _ path: TreePath, _ remarks: Remarks) {
        guard let items = node.items else { return }
        var result: [Node] = []
        for (number, item) in items.enumerated() {
            switch item.value {
            case .int(let value): expand("\(value)", item, path.index(number), remarks, &result)
            case .string(let text): expand(text, item, path.index(number), remarks, &result)
            case .mapping:
                if item["target"] == nil {
                    remarks.error(item.mark, path.index(number), "a port needs a target", suggestion: "add target:")
                }
                result.append(item)
            default:
                remarks.error(
                    item.mark, path.index(number), "expected a port, found \(item.kindName)",
                    suggestion: "write it in quotes: [address:][host:]container[/protocol]")
            }
        }
        node.value = .sequence(result)
    }

    private func expand(_ text: String, _ item: Node, _ path: TreePath, _ remarks: Remarks, _ result: inout [Node]) {
        do throws(ShortPort.Problem) {
            result += try ShortPort.parse(text).map { $0.node(at: item.mark) }
        } catch {
            remarks.error(
                item.mark, path, "invalid port \"\(text)\": \(error.message)",
                suggestion: "write [address:][host:]container[/protocol]")
            result.append(item)
        }
    }

    /// `external` as a map is an old form of `external: true` with a name.
    private func resource(_ node: inout Node, _ path: TreePath, _ remarks: Remarks) {
        guard let external = node["external"], external.entries != nil else { return }
        let name = external["name"]
        node.set("external", Node(.bool(true), at: external.mark))
        guard let name else { return }
        remarks.warning(
            external.mark, path.description, "external.name is deprecated", suggestion: "write name: and external: true"
        )
        if let own = node["name"] {
            if own != name {
                remarks.error(name.mark, path, "name and external.name differ", suggestion: "keep name alone")
            }
        } else {
            node.set("name", name)
        }
    }
}
