// `build` and `develop` of a service.

enum BuildShape {
    /// In long form; a text is the context alone.
    static let root = Shape.map([
        .init("context", .text, "The directory, or the URL, that the build sees."),
        .init("dockerfile", .text, "The Dockerfile, relative to the context."),
        .init("dockerfile_inline", .text, "The Dockerfile's text itself."),
        .init("entitlements", .textList, "Privileges that the build may use."),
        .init("args", .pairs, "Values of the Dockerfile's ARGs."),
        .init("ssh", .pairs, "SSH keys and agents that the build may use."),
        .init("labels", .pairs, "Labels of the image."),
        .init("cache_from", .textList, "Where cached steps may come from."),
        .init("cache_to", .textList, "Where cached steps are put."),
        .init("no_cache", .flag, "True: every step is run anew."),
        .init("no_cache_filter", .textOrTexts, "Stages whose steps are run anew."),
        .init("additional_contexts", .pairs, "More contexts, by name."),
        .init("network", .text, "The network of RUN: default, none or host."),
        .init("provenance", .flag, "Whether the image says how it was made."),
        .init("sbom", .flag, "Whether the image lists what is in it."),
        .init("pull", .flag, "True: base images are pulled even if they are here."),
        .init("target", .text, "The stage to build."),
        .init("shm_size", .integer, "The size of /dev/shm while building."),
        .init("extra_hosts", ServiceShape.extraHosts, "Names that are resolved while building."),
        .init("isolation", .text, "For Windows."),
        .init("privileged", .flag, "True: RUN has all privileges."),
        .init("secrets", ServiceShape.materials, "Secrets that RUN may mount."),
        .init("tags", .textList, "More names of the image."),
        .init("ulimits", ServiceShape.ulimits, "Limits of RUN."),
        .init("platforms", .textList, "Platforms to build for."),
    ])

    static let develop = Shape.map(
        [.init("watch", .list(watchRule), "What happens when files change.")], orNull: true)

    private static let watchRule = Shape.map(
        [
            .init("ignore", .textOrTexts, "Patterns of files that do not count."),
            .init("include", .textOrTexts, "Patterns of files that count; none: all."),
            .init("path", .text, "The file or directory that is watched."),
            .init("action", .one(of: "rebuild", "sync", "restart", "sync+restart", "sync+exec"), "What is done."),
            .init("target", .text, "Where in the container files are copied to."),
            .init("exec", ServiceShape.hook, "What is run after copying."),
            .init("initial_sync", .strictFlag, "True: files are copied once at the beginning."),
        ], required: ["path", "action"])
}
