// What compose fills in where the file says nothing.

enum Defaults {
    private enum Rule: Sendable { case build, secret, port, device }

    private static let rules = RuleTree<Rule>([
        ("services.*.build", .build),
        ("services.*.secrets.*", .secret),
        ("services.*.ports.*", .port),
        ("services.*.deploy.resources.reservations.devices.*", .device),
        ("services.*.gpus.*", .device),
    ])

    static func apply(to root: inout Node) {
        root.apply(rules) { node, rule, _ in
            guard node.entries != nil else { return }
            let mark = node.mark
            func fill(_ key: String, _ value: Node.Value) {
                if node[key] == nil { node.set(key, Node(value, at: mark)) }
            }
            switch rule {
            case .build: fill("context", .string("."))
            case .secret:
                if let source = node["source"]?.string { fill("target", .string("/run/secrets/\(source)")) }
            case .port:
                fill("mode", .string("ingress"))
                fill("protocol", .string("tcp"))
            case .device:
                if node["device_ids"] == nil { fill("count", .string("all")) }
            }
        }
    }
}
