// `build` of a service.
import BerthModel

extension ServiceDecoder {
    func decodeBuild(_ field: Field) -> BuildDefinition {
        var build = BuildDefinition(context: field["context"]?.text ?? "")
        build.dockerfile = field["dockerfile"]?.filled
        build.dockerfileInline = field["dockerfile_inline"]?.filled
        build.arguments = field["args"]?.inherited ?? [:]
        build.target = field["target"]?.filled
        build.labels = field["labels"]?.pairs ?? [:]
        build.tags = field["tags"]?.texts ?? []
        build.platforms = field["platforms"]?.texts ?? []
        build.contexts = field["additional_contexts"]?.pairs ?? [:]
        build.secrets = field["secrets"]?.items.compactMap { material($0, base: "/run/secrets/") } ?? []
        build.ssh = field["ssh"]?.pairs ?? [:]
        build.network = field["network"]?.filled
        build.extraHosts = field["extra_hosts"]?.items.compactMap(extraHost) ?? []
        build.shmSizeBytes = field["shm_size"]?.integer
        build.ulimits = field["ulimits"].map(decodeLimits) ?? [:]
        build.entitlements = field["entitlements"]?.texts ?? []
        build.privileged = field["privileged"]?.flag ?? false
        build.noCache = field["no_cache"]?.flag ?? false
        build.noCacheStages = field["no_cache_filter"]?.texts ?? []
        build.pull = field["pull"]?.flag ?? false
        for tag in build.tags where ImageReference(tag) == nil {
            field["tags"]?.fail(
                "invalid image name \"\(tag)\"", suggestion: "names are lower case: [registry/]path[:tag]")
        }
        for key in ["cache_from", "cache_to"] where field[key] != nil {
            field.warn(aboutKey: key, "\(key) has no effect yet: the local cache is used")
        }
        if build.platforms.count > 1 {
            field["platforms"]?.warn("only the first platform is built: an image for several is not made yet")
        }
        for key in ["provenance", "sbom"] where field[key]?.text.map({ $0 != "false" }) ?? false {
            field.warn(aboutKey: key, "\(key) has no effect: attestations are not made")
        }
        return build
    }
}
