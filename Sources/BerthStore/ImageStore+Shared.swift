// What the local registry serves: images by their names, and beside them what is no image of this host's.
import BerthLinux
import BerthModel

extension ImageStore {
    /// Every name with what it leads to for others.
    package func sharedNames() throws -> [SharedName] {
        let book = try book.references()
        var names = book.filter { key, manifest in
            // A name by an index's digest leads here to one image of it, and that is not what was asked for.
            guard let reference = ImageReference(key) else { return false }
            return reference.digest == nil || reference.digest == manifest
        }
        for (reference, document) in try self.book.documents() where ImageStore.isValid(reference, document, book) {
            names[reference] = document.manifest
        }
        return names.map { SharedName(reference: $0.key, manifest: $0.value) }.sorted { $0.reference < $1.reference }
    }

    /// What stands for a name's image is so no longer when the name has another one.
    private static func isValid(_ reference: String, _ document: SharedDocument, _ book: [String: Digest]) -> Bool {
        ImageReference(reference)?.digest != nil || book[reference] == document.image
    }

    func dropOutdatedDocuments() throws {
        let references = try book.references()
        for (reference, document) in try book.documents()
        where !ImageStore.isValid(reference, document, references)
            || (try? FileStatus.of(layout.blob(document.manifest))) == nil
        {
            try book.removeDocument(reference)
        }
    }

    /// The blobs that a document needs, itself among them; manifests of an index have names of their own.
    func documentBlobs(_ manifest: Digest) -> Set<Digest> {
        // Ignored: one that cannot be read is itself what `check` finds.
        let links = try? document(manifest) as ManifestLinks
        return Set((links?.content.map(\.digest) ?? []) + [manifest])
    }

    /// Shares a manifest whose content is in the store, under a name.
    package func share(_ reference: String, _ document: SharedDocument) throws {
        try exclusively {
            for digest in documentBlobs(document.manifest) where (try? FileStatus.of(layout.blob(digest))) == nil {
                throw ImageStore.damaged(document.manifest, "\(digest) is missing")
            }
            try syncLayers()
            if document.image == nil, ImageReference(reference)?.digest == nil { try release(reference) }
            try book.set(reference, document)
        }
    }

    /// Takes a name from its image, which stays as one without a name where it has no other.
    private func release(_ reference: String) throws {
        let references = try book.references()
        guard let old = references[reference] else { return }
        if !references.contains(where: { $0.value == old && $0.key != reference }) {
            try book.set(ImageStore.unnamedPrefix + "\(old)", old)
        }
        try book.remove(reference)
    }

    /// Removes a document's name; false where there is none.
    package func unshare(_ reference: String) throws -> Bool {
        try exclusively {
            guard try book.documents()[reference] != nil else { return false }
            try markUncollected()
            try book.removeDocument(reference)
            return true
        }
    }

    /// Forgets what was shared by digest alone and belongs to nothing that has a tag: pushed in parts and never
    /// finished, or left behind by an index that is gone.
    package func forgetUnreachableDocuments() throws {
        try exclusively {
            try markUncollected()
            try dropOutdatedDocuments()
            var reached: Set<Digest> = []
            let names = try sharedNames()
            var rest = names.filter { ImageReference($0.reference)?.tag != nil }.map(\.manifest)
            var links: [Digest: ManifestLinks] = [:]
            for digest in Set(names.map(\.manifest)) { links[digest] = try? document(digest) as ManifestLinks }
            while let digest = rest.popLast() {
                guard reached.insert(digest).inserted else { continue }
                rest += links[digest]?.manifests?.map(\.digest) ?? []
                // What speaks of it stays with it.
                rest += links.filter { $0.value.subject?.digest == digest }.keys
            }
            for (reference, document) in try book.documents()
            where ImageReference(reference)?.tag == nil && !reached.contains(document.manifest) {
                try book.removeDocument(reference)
            }
        }
    }
}
