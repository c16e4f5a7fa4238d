// What was seen of a host. Nil: it could not be learnt, which accuses nobody.

package struct HostFacts: Sendable, Equatable {
    package enum Cgroups: String, Sendable { case pure, hybrid, legacy, none }

    package var isRoot = true
    /// As the kernel says it: `6.1.0-56-cloud-amd64`.
    package var kernelRelease = ""
    package var cgroups = Cgroups.pure
    /// Of v2 on pure hosts, of v1 else.
    package var controllers: Set<String> = []
    /// The kernel can be asked for device programs: `CONFIG_CGROUP_BPF`.
    package var hasDevicePrograms: Bool?
    package var accountsForSwap: Bool?
    package var hasSystemd = false
    package var hasBootUnit = false
    package var nftPath: String?
    package var hasSeccomp: Bool?
    package var hasOverlay: Bool?
    package var openFilesMax: UInt64?
    package var dataDirectory = ""
    package var freeBytes: Int64?
    package var sizeBytes: Int64?
    package var userNamespacesMax: Int64?
    /// Ubuntu's switch: programs without a profile get no rights in user namespaces.
    package var restrictsUserNamespaces: Bool?
    /// Security modules in force.
    package var securityModules: [String] = []
    package var enforcesSELinux: Bool?
    package var hasUFW = false
    package var hasFirewalld = false
    /// Other engines whose socket is there: `docker`, `containerd`, `podman`.
    package var otherEngines: [String] = []

    package init() {}
}
