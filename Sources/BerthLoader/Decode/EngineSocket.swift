// The API socket of a container engine, bound into a container to manage other containers.
import BerthModel

enum EngineSocket {
    private static let paths: Set<String> = [
        "/var/run/docker.sock", "/run/docker.sock", "/var/run/podman/podman.sock", "/run/podman/podman.sock",
    ]

    static func isOne(_ path: String) -> Bool { paths.contains(path) || path.hasSuffix("/docker.sock") }

    /// Another engine's socket is never handed out by accident: what is behind it knows nothing of this stack, and may
    /// do anything to the host.
    static func warn(_ path: String, _ field: Field) {
        field.warn(
            "\(path) is left out: berth has no Docker API, and another engine's knows nothing of this stack",
            suggestion: "what needs it will not work; to bind the other engine's all the same, write "
                + "{type: bind, source: \(path), target: …, bind: {create_host_path: false}}")
    }
}
