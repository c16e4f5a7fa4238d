// Variables without a value take the caller's, before anything is made of them.

enum EnvironmentResolution {
    static func apply(to root: inout Node, _ environment: [String: String]) {
        root.update("services") { services in
            services.updateEntries { entry in
                entry.value.update("environment") { resolve(&$0, environment) }
            }
        }
    }

    /// A list's bare names and a map's empty values; those that the caller does not have stay.
    static func resolve(_ node: inout Node, _ environment: [String: String]) {
        node.updateItems { item in
            guard let text = item.string, !text.contains("="), let value = environment[text] else { return }
            item.value = .string("\(text)=\(value)")
        }
        node.updateEntries { entry in
            guard entry.value.isNull, let value = environment[entry.key] else { return }
            entry.value.value = .string(value)
        }
    }
}
