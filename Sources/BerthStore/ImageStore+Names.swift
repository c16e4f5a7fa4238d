// Naming images, and removing names: with its last name an image goes.
import BerthModel

extension ImageStore {
    package func tag(_ source: String, _ target: String) throws {
        let reference = try ImageStore.canonical(target)
        try exclusively {
            guard let image = try find(source) else { throw ImageStore.noSuchImage(source) }
            try point(reference, at: image.manifestDigest)
        }
    }

    /// Gives a name to an image. The image that had it before, and no other name, stays as one without a name.
    func point(_ reference: String, at manifest: Digest) throws {
        let references = try book.references()
        if let old = references[reference], old != manifest,
            !references.contains(where: { $0.value == old && $0.key != reference })
        {
            try book.set(ImageStore.unnamedPrefix + "\(old)", old)
        }
        try book.set(reference, manifest)
        let unnamed = ImageStore.unnamedPrefix + "\(manifest)"
        if references[unnamed] != nil { try book.remove(unnamed) }
    }

    /// Removes a reference, and with the last one the image. Returns Docker's lines.
    ///
    /// - Parameters:
    ///   - inUse: image ids that containers are made from.
    ///   - leased: manifests that revisions may go back to: they lose their names, and stay.
    package func remove(
        _ name: String, force: Bool, inUse: Set<Digest>, leased: Set<Digest> = []
    ) throws -> [String] {
        try exclusively {
            try markUncollected()
            let references = try book.references()
            if let reference = ImageReference(name)?.canonical, let manifest = references[reference] {
                // Ignored: a damaged image has no id and is in nobody's use.
                let id = (try? image(manifest, references))?.id
                // Names by digest come with a pull, and go with the last tag of their repository.
                let byDigest = ImageStore.digestNames(besides: reference, of: manifest, references)
                let keeps = references.contains {
                    $0.key != reference && $0.value == manifest && !byDigest.contains($0.key)
                }
                if let id, !keeps, !force, inUse.contains(id) { throw ImageStore.inUse(name) }
                let isLeased = leased.contains(manifest)
                if isLeased && !keeps { try book.set(ImageStore.unnamedPrefix + "\(manifest)", manifest) }
                for name in [reference] + byDigest { try book.remove(name) }
                // Another manifest may lead to the same config.
                let isGone = !keeps && !isLeased && id.map { images(withID: $0.hex, references).count == 1 } ?? true
                return ([reference] + byDigest).map(ImageStore.untagged)
                    + (isGone ? ["Deleted: \(id ?? manifest)"] : [])
            }
            let found = images(withID: name, references)
            guard let id = found.first?.id else { throw ImageStore.noSuchImage(name) }
            let names = found.flatMap(\.references)
            if names.count > 1 && !force {
                throw BerthError(
                    .conflict, "removing image \(name)", subject: name, cause: "it has \(names.count) names",
                    hint: "remove it by name, or use --force")
            }
            if inUse.contains(id) && !force { throw ImageStore.inUse(name) }
            let manifests = Set(found.map(\.manifestDigest))
            for (reference, manifest) in references where manifests.contains(manifest) { try book.remove(reference) }
            return names.map(ImageStore.untagged) + ["Deleted: \(id)"]
        }
    }

    /// The names by digest that would stay behind alone when a tag goes.
    private static func digestNames(
        besides reference: String, of manifest: Digest, _ references: [String: Digest]
    ) -> [String] {
        guard let gone = ImageReference(reference), gone.tag != nil else { return [] }
        let siblings = references.filter { key, value in
            guard key != reference, value == manifest, let other = ImageReference(key) else { return false }
            return other.domain == gone.domain && other.path == gone.path
        }.keys
        return siblings.contains { ImageReference($0)?.tag != nil } ? [] : siblings.sorted()
    }

    private static func untagged(_ reference: String) -> String {
        "Untagged: \(ImageReference(reference)?.familiar ?? reference)"
    }

    private static func inUse(_ name: String) -> BerthError {
        BerthError(
            .conflict, "removing image \(name)", subject: name, cause: "a container is made from it",
            hint: "remove the container first, or use --force")
    }

    /// For each blob of the images a repository of the same registry whose images have it, by the blob's digest text.
    package func repositories(of images: [StoredImage], besides reference: String) throws -> [String: String] {
        guard let target = ImageReference(reference) else { return [:] }
        let wanted = Set(images.flatMap { $0.manifest.layers.map(\.digest) + [$0.id] })
        var found: [String: String] = [:]
        for (name, manifest) in try book.references().sorted(by: { $0.key < $1.key }) {
            guard let other = ImageReference(name), other.domain == target.domain, other.path != target.path,
                let image = try? image(manifest, [:])
            else { continue }
            for digest in image.manifest.layers.map(\.digest) + [image.id] where wanted.contains(digest) {
                found["\(digest)"] = other.path
            }
        }
        return found
    }
}
