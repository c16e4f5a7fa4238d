// `deploy` of a service, and the devices that `gpus` shares with it.

enum DeployShape {
    static let root = Shape.map(
        [
            .init("mode", .text, "replicated (the default) or global."),
            .init("endpoint_mode", .text, "vip or dnsrr."),
            .init("replicas", .integer, "How many containers."),
            .init("labels", .pairs, "Labels of the service."),
            .init("rollback_config", update, "How a roll-back goes."),
            .init("update_config", update, "How an update goes."),
            .init("resources", resources, "Limits and reservations."),
            .init("restart_policy", restart, "When containers are started again."),
            .init("placement", placement, "Where containers may run, in a cluster."),
        ], orNull: true)

    private static let update = Shape.map([
        .init("parallelism", .integer, "How many at a time; 0: all."),
        .init("delay", .text, "The wait between them."),
        .init("failure_action", .text, "pause, continue or rollback."),
        .init("monitor", .text, "How long each is watched for failure."),
        .init("max_failure_ratio", .number, "Which part may fail."),
        .init("order", .one(of: "start-first", "stop-first"), "Whether the new one starts before the old one stops."),
    ])

    private static let resources = Shape.map([
        .init(
            "limits",
            .map([
                .init("cpus", .number, "Processors, such as 0.5."),
                .init("memory", .text, "Memory, such as 512m."),
                .init("pids", .integer, "How many processes and threads."),
            ]), "What a container may use at the most."),
        .init(
            "reservations",
            .map([
                .init("cpus", .number, "Processors."),
                .init("memory", .text, "Memory that is left to it when memory is short."),
                .init("generic_resources", .list(genericResource), "Resources of a cluster."),
                .init("devices", .list(device(required: ["capabilities"])), "Devices such as GPUs."),
            ]), "What a container is promised."),
    ])

    private static let genericResource = Shape.map([
        .init(
            "discrete_resource_spec",
            .map([.init("kind", .text, "Its kind."), .init("value", .number, "How many.")]), "A counted resource.")
    ])

    /// One request for devices.
    static func device(required: [String] = [], closed: Bool = true) -> Shape {
        .map(
            [
                .init("capabilities", .texts, "What they must be able to do, such as gpu."),
                .init("count", .integer, "How many, or all."),
                .init("device_ids", .texts, "Which ones."),
                .init("driver", .text, "The driver, such as nvidia."),
                .init("options", .pairs, "Options of the driver."),
            ], required: required, closed: closed)
    }

    private static let restart = Shape.map([
        .init("condition", .text, "none, on-failure or any."),
        .init("delay", .text, "The wait before a start."),
        .init("max_attempts", .integer, "How often, at the most."),
        .init("window", .text, "How long one must run to have succeeded."),
    ])

    private static let placement = Shape.map([
        .init("constraints", .textList, "Conditions on nodes."),
        .init("preferences", .list(.map([.init("spread", .text, "Spread over this label.")])), "How to spread."),
        .init("max_replicas_per_node", .integer, "How many on one node."),
    ])
}
