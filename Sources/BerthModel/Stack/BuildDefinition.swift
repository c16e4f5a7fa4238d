// `build` of a service: how its image is made (compose-spec, build).

package struct BuildDefinition: Codable, Sendable, Equatable {
    /// Absolute, or a URL.
    package var context: String
    package var dockerfile: String?
    package var dockerfileInline: String?
    /// A value that is nil comes from the caller's environment, or is not given.
    package var arguments: [String: String?] = [:]
    package var target: String?
    package var labels: [String: String] = [:]
    package var tags: [String] = []
    package var platforms: [String] = []
    /// By name: an absolute path, a URL, `docker-image://…`, `oci-layout://…`, `service:…`.
    package var contexts: [String: String] = [:]
    /// Ids by the key of the stack's secret.
    package var secrets: [MaterialReference] = []
    /// Agent sockets or keys by id; empty: the caller's own agent.
    package var ssh: [String: String] = [:]
    package var network: String?
    package var extraHosts: [HostEntry] = []
    package var shmSizeBytes: Int64?
    package var ulimits: [String: Ulimit] = [:]
    package var entitlements: [String] = []
    package var privileged = false
    package var noCache = false
    package var noCacheStages: [String] = []
    package var pull = false
    package init(context: String) { self.context = context }
}
