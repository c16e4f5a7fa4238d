// The canonical model of a stack: what `config` shows.
import BerthModel

package struct StackModel: Sendable {
    let root: Node
    /// The root as it was before env files were read.
    let beforeEnvFiles: Node
    let inactive: [Node.Entry]
    package let name: String
    /// Neither interpolated nor typed: it is shown whole, as it was written.
    var isRaw = false

    /// With only those services, what they depend on and the resources of both.
    package func selecting(_ names: [String], keepsUnusedResources: Bool = false) -> StackModel {
        var selected = root
        Selection.keep(names, in: &selected)
        if !keepsUnusedResources { UnusedResources.drop(from: &selected) }
        return StackModel(
            root: selected, beforeEnvFiles: beforeEnvFiles, inactive: inactive, name: name)
    }

    /// What services name, as they name it.
    package var imageReferences: [String] {
        (root["services"]?.entries ?? []).compactMap { $0.value["image"]?.string }.filter { !$0.isEmpty }
    }

    /// With other images in place of the named ones.
    package func replacingImages(_ images: [String: String]) -> StackModel {
        var changed = root
        changed.update("services") { services in
            services.updateEntries { entry in
                entry.value.update("image") { image in
                    if let other = image.string.flatMap({ images[$0] }) { image.value = .string(other) }
                }
            }
        }
        return StackModel(root: changed, beforeEnvFiles: beforeEnvFiles, inactive: inactive, name: name)
    }

    /// Services with nothing but their images: a file that goes on top of the others and pins them.
    package var imagesOnly: StackModel {
        var changed = root
        for entry in changed.entries ?? [] where entry.key != "services" { changed.remove(entry.key) }
        changed.update("services") { services in
            services.updateEntries { service in
                for entry in service.value.entries ?? [] where entry.key != "image" { service.value.remove(entry.key) }
            }
        }
        return StackModel(root: changed, beforeEnvFiles: beforeEnvFiles, inactive: inactive, name: name)
    }

    package var json: String { document(.json).json + "\n" }

    package var yaml: String { document(.yaml).yaml }

    private func document(_ form: Printing.Form) -> StackDocument {
        var printing = Printing()
        printing.form = form
        printing.escapesDollars = !isRaw
        return isRaw ? printing.whole(root) : printing.document(root)
    }

    private func keys(_ kind: String) -> [String] { CanonicalValue.sorted((root[kind]?.entries ?? []).map(\.key)) }

    package var services: [String] { keys("services") }
    package var volumes: [String] { keys("volumes") }
    package var networks: [String] { keys("networks") }
    package var models: [String] {
        CanonicalValue.sorted((root["models"]?.entries ?? []).compactMap { $0.value["model"]?.string })
    }

    /// Those of active services, with the names that built ones get.
    package var images: [String] {
        CanonicalValue.sorted(
            Set(
                (root["services"]?.entries ?? []).filter { $0.value["provider"] == nil }.map { entry in
                    entry.value["image"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? "\(name)-\(entry.key)"
                }))
    }

    /// Of all services, active or not.
    package var profiles: [String] {
        let all = (root["services"]?.entries ?? []) + inactive
        return CanonicalValue.sorted(Set(all.flatMap { $0.value["profiles"]?.items?.compactMap(\.string) ?? [] }))
    }

    /// What `config --hash` prints: SHA-256 over compose's own JSON of the service, without what needs no new
    /// container, and with env files by name.
    package func hash(of service: String) -> Digest? {
        hashedText(of: service).map { SHA256Digest.digest(of: Array($0.utf8)) }
    }

    /// The same with what env files say in their place: for the container's label.
    func labelHash(of service: String) -> Digest? {
        root["services"]?[service].map { SHA256Digest.digest(of: Array(StackModel.text($0).utf8)) }
    }

    func hashedText(of service: String) -> String? {
        guard var node = beforeEnvFiles["services"]?[service] else { return nil }
        if let labels = root["services"]?[service]?["labels"] { node.set("labels", labels) }
        // A name alone where the file must be there.
        node.update("env_file") { files in
            files.updateItems { file in
                if file["required"]?.bool != false, let path = file["path"] {
                    file = path
                } else {
                    file.remove("format")
                }
            }
        }
        return StackModel.text(node)
    }

    private static func text(_ service: Node) -> String {
        var node = service
        for key in ["build", "pull_policy", "scale", "depends_on", "profiles"] { node.remove(key) }
        node.update("deploy") { $0.remove("replicas") }
        var printing = Printing()
        printing.escapesDollars = false
        printing.keepsEnvFiles = true
        return printing.service(node).compact
    }
}
