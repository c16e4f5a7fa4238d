// Which values are paths of the host, and how they become absolute: a row each.
import BerthModel

struct PathRules {
    /// Absolute: where relative paths begin.
    let directory: String
    let home: String?
    /// `extends` of another file: `~` is left for the end.
    var keepsHome = false

    private enum Rule: Sendable { case path, context, contextOrService, mount, driverOptions }

    private static let rules = RuleTree<Rule>([
        ("services.*.build.context", .context),
        ("services.*.build.additional_contexts.*", .contextOrService),
        ("services.*.env_file.*.path", .path),
        ("services.*.label_file.*", .path),
        ("services.*.extends.file", .path),
        ("services.*.develop.watch.*.path", .path),
        ("services.*.volumes.*", .mount),
        ("configs.*.file", .path),
        ("secrets.*.file", .path),
        ("volumes.*", .driverOptions),
    ])

    func apply(to root: inout Node) { root.apply(PathRules.rules) { node, rule, _ in resolve(&node, rule) } }

    /// The `services` map alone.
    func applyToServices(_ services: inout Node) {
        guard let rules = PathRules.rules.below("services") else { return }
        services.apply(rules) { node, rule, _ in resolve(&node, rule) }
    }

    private func resolve(_ node: inout Node, _ rule: Rule) {
        switch rule {
        case .path: if let text = node.string, !PathRules.isOfWindows(text) { node.value = .string(absolute(text)) }
        case .context, .contextOrService:
            guard let text = node.string, !text.isEmpty, !PathRules.isRemote(text) else { return }
            node.value = .string(absolute(text))
        case .mount:
            guard node["type"]?.string == "bind" else { return }
            node.update("source") { source in
                if let text = source.string { source.value = .string(mountSource(text)) }
            }
        case .driverOptions:
            guard node["driver"]?.string == "local", node["driver_opts"]?["o"]?.string == "bind" else { return }
            node.update("driver_opts") { options in
                options.update("device") { device in
                    if let text = device.string { device.value = .string(absolute(text)) }
                }
            }
        }
    }

    /// A URL, a git address, another service.
    private static func isRemote(_ text: String) -> Bool {
        text.contains("://") || ["service:", "git@", "github.com/"].contains { text.hasPrefix($0) }
    }

    private static func isOfWindows(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars.prefix(3))
        return text.hasPrefix("\\\\")
            || scalars.count == 3 && scalars[0].properties.isAlphabetic && scalars[1] == ":" && scalars[2] == "\\"
    }

    private func absolute(_ text: String) -> String {
        if keepsHome, text.hasPrefix("~") { return text }
        let expanded = expandHome(text)
        return expanded.hasPrefix("/") ? expanded : PathText.join(directory, expanded)
    }

    private func mountSource(_ text: String) -> String {
        // Drives and pipes of Windows are left as they are.
        if text.hasPrefix("\\\\")
            || ShortVolume.isPath(text) && !text.hasPrefix(".") && !text.hasPrefix("/") && !text.hasPrefix("~")
        {
            return text
        }
        return absolute(text)
    }

    private func expandHome(_ text: String) -> String {
        guard text.hasPrefix("~"), !keepsHome else { return text }
        return PathText.join(home ?? "/", String(text.dropFirst().drop { $0 == "/" }))
    }
}
