// The top level of a stack file, and the resources that services share.

enum StackShape {
    static let root = Shape.map([
        .init("version", .text, "Obsolete: it has no effect."),
        .init("name", .text, "The name of the stack; a part of the names of all that is made for it."),
        .init("include", .list(include), "Other stack files, loaded with their own directory and environment."),
        .init("services", .named(ServiceShape.root), "What runs: each service is one or several equal containers."),
        .init("models", .named(model, closed: false), "Language models that services use."),
        .init("networks", .named(network.or(Shape(.null)), closed: false), "Networks that services join."),
        .init("volumes", .named(volume.or(Shape(.null))), "Named volumes: data that outlives containers."),
        .init("secrets", .named(secret), "Files with secret content, given to services by name."),
        .init("configs", .named(config), "Files with settings, given to services by name."),
    ])

    static let include = Shape(.text).or(
        .map(
            [
                .init("path", .textOrTexts, "The file, or several that are merged into one."),
                .init("env_file", .textOrTexts, "Files with variables instead of the .env beside the included file."),
                .init("project_directory", .text, "Where relative paths of the included files begin."),
            ], closed: false))

    private static let external = Shape([.boolean, .text]).or(
        .map([.init("name", .text, "Obsolete: use the name beside it.")]))
    private static let openExternal = Shape([.boolean, .text]).or(
        .map([.init("name", .text, "Obsolete: use the name beside it.")], closed: false))

    static let network = Shape.map([
        .init("name", .text, "The real name, instead of STACK_KEY."),
        .init("driver", .text, "bridge (the default), host or none."),
        .init("driver_opts", .options, "Options of the driver."),
        .init("ipam", ipam, "Which addresses the network has."),
        .init("external", external, "True: it exists already and is not made nor removed."),
        .init("internal", .flag, "True: nothing outside can be reached from it."),
        .init("enable_ipv4", .flag, "False: no IPv4 addresses."),
        .init("enable_ipv6", .flag, "True: IPv6 addresses too."),
        .init("attachable", .flag, "True: containers outside the stack may join."),
        .init("labels", .pairs, "Labels, for people and tools."),
    ])

    private static let ipam = Shape.map([
        .init("driver", .text, "The address manager."),
        .init(
            "config",
            .list(
                .map([
                    .init("subnet", .text, "The addresses, such as 172.28.0.0/16."),
                    .init("ip_range", .text, "The part of the subnet that containers get addresses from."),
                    .init("gateway", .text, "The address of the host in it."),
                    .init("aux_addresses", .named(.text, keys: Shape.nonEmpty), "Addresses that are not given away."),
                ])), "Address pools."),
        .init("options", .named(.text, keys: Shape.nonEmpty), "Options of the address manager."),
    ])

    static let volume = Shape.map([
        .init("name", .text, "The real name, instead of STACK_KEY."),
        .init("driver", .text, "local (the default)."),
        .init("driver_opts", .options, "Options of the driver: type, o and device, as mount(8) has them."),
        .init("external", external, "True: it exists already and is not made nor removed."),
        .init("labels", .pairs, "Labels, for people and tools."),
    ])

    static let secret = Shape.map([
        .init("name", .text, "The real name."),
        .init("environment", .text, "The variable that holds the content."),
        .init("file", .text, "The file that holds the content."),
        .init("external", openExternal, "True: it exists already, in a cluster."),
        .init("labels", .pairs, "Labels, for people and tools."),
        .init("driver", .text, "The driver that keeps it, in a cluster."),
        .init("driver_opts", .options, "Options of the driver."),
        .init("template_driver", .text, "The driver that expands it, in a cluster."),
    ])

    static let config = Shape.map([
        .init("name", .text, "The real name."),
        .init("content", .text, "The content itself; variables are filled in."),
        .init("environment", .text, "The variable that holds the content."),
        .init("file", .text, "The file that holds the content."),
        .init("external", openExternal, "True: it exists already, in a cluster."),
        .init("labels", .pairs, "Labels, for people and tools."),
        .init("template_driver", .text, "The driver that expands it, in a cluster."),
    ])

    static let model = Shape.map(
        [
            .init("name", .text, "A name for it."),
            .init("model", .text, "The model's artifact."),
            .init("context_size", Shape(.integer), "How many tokens it keeps in mind."),
            .init("runtime_flags", .textList, "Flags for what runs it."),
        ], required: ["model"])

    /// Where a key that stands in the wrong place belongs.
    static func home(of key: String, notAt path: TreePath) -> String? {
        let steps = path.steps
        if steps.isEmpty {
            if ServiceShape.root.field(key) != nil { return "it belongs to a service: services.NAME.\(key)" }
            return Spelling.nearest(key, in: root.fieldNames).map { "did you mean \"\($0)\"?" }
        }
        guard steps.first == "services", steps.count >= 2 else { return nil }
        if steps.count > 2, ServiceShape.root.field(key) != nil {
            return "it belongs to the service itself: is the indentation right?"
        }
        if ["networks", "volumes", "secrets", "configs", "services", "include", "version", "name"].contains(key) {
            return "it belongs to the top level: is the indentation right?"
        }
        for (name, shape) in [
            ("build", BuildShape.root), ("deploy", DeployShape.root), ("healthcheck", ServiceShape.healthcheck),
        ]
        where shape.field(key) != nil { return "it belongs below \(name):" }
        return nil
    }
}
