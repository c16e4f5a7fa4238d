// What is here to be given: names as the agent knows them, and what each manifest needs, read from its blob.
import BerthLinux
import BerthModel
import BerthStore
import FoundationEssentials
import NIOHTTP1

/// A repository as clients write it, and as the names of images have it.
struct RepositoryNames: Sendable {
    /// The registry's name in the names of images; nil: repositories are called as images are called here.
    let own: String?

    func reference(_ repository: String, tag: String) -> ImageReference? {
        guard let own else { return ImageReference("\(repository):\(tag)") }
        guard let reference = ImageReference("\(own)/\(repository):\(tag)") else { return nil }
        return reference.domain == own ? reference : nil
    }

    func reference(_ repository: String, _ digest: Digest) -> ImageReference? {
        var reference = reference(repository, tag: "x")
        reference?.tag = nil
        reference?.digest = digest
        return reference
    }

    /// Nil: it has no name here that a client could write.
    func repository(_ reference: ImageReference) -> String? {
        if let own { return reference.domain == own ? reference.path : nil }
        let name = reference.familiarName
        return ImageReference("a.b/\(name):x")?.path == name ? name : nil
    }
}

struct ManifestFacts: Sendable {
    var digest: Digest
    var sizeBytes: Int64
    var links: ManifestLinks
}

actor Shelf {
    let names: RepositoryNames
    private let blobs: String
    private let voice: AgentVoice
    private var known: [SharedName] = []
    /// By domain and path.
    private var byRepository: [String: [(tag: String?, manifest: Digest)]] = [:]
    /// Manifests never change; what has been read is known.
    private var facts: [Digest: ManifestFacts] = [:]
    private static let factsMax = 2048
    private static let documentBytesMax = 4 << 20

    init(blobs: String, names: RepositoryNames, voice: AgentVoice) {
        self.blobs = blobs
        self.names = names
        self.voice = voice
    }

    private static func key(_ reference: ImageReference) -> String { "\(reference.domain)/\(reference.path)" }
    nonisolated func path(_ digest: Digest) -> String { "\(blobs)/\(digest.hex)" }

    /// Asks what there is now.
    func refresh() async throws {
        guard case .names(let now) = try await voice.ask(.names) else { return }
        if now == known && !byRepository.isEmpty { return }
        known = now
        byRepository = [:]
        for name in now {
            guard let reference = ImageReference(name.reference) else { continue }
            byRepository[Shelf.key(reference), default: []].append((reference.tag, name.manifest))
        }
    }

    private func entries(_ repository: String) -> [(tag: String?, manifest: Digest)] {
        names.reference(repository, tag: "x").flatMap { byRepository[Shelf.key($0)] } ?? []
    }

    func has(repository: String) -> Bool { !entries(repository).isEmpty }

    /// Every repository that a client can name, in order.
    func repositories() async throws -> [String] {
        try await refresh()
        return Set(known.compactMap { ImageReference($0.reference).flatMap(names.repository) }).sorted()
    }

    func tags(_ repository: String) async throws -> [String] {
        try await refresh()
        guard has(repository: repository) else {
            throw RegistryError(.notFound, "NAME_UNKNOWN", "there is no repository \(repository)")
        }
        return entries(repository).compactMap(\.tag).sorted()
    }

    // MARK: Manifests

    /// The manifest that a name leads to, packed first where its layers have no blobs.
    func manifest(_ repository: String, _ name: RegistryRoute.ManifestName) async throws -> ManifestFacts {
        try await refresh()
        switch name {
        case .digest(let digest):
            guard entries(repository).contains(where: { $0.manifest == digest }), let facts = facts(digest) else {
                throw RegistryError.unknownManifest("\(digest)")
            }
            return facts
        case .tag(let tag):
            guard let entry = entries(repository).first(where: { $0.tag == tag }),
                let found = facts(entry.manifest)
            else { throw RegistryError.unknownManifest("\(repository):\(tag)") }
            let isWhole = found.links.content.allSatisfy { (try? FileStatus.of(path($0.digest))) != nil }
            guard !isWhole, let reference = names.reference(repository, tag: tag) else { return found }
            guard case .packed(let digest) = try await voice.ask(.pack(reference.canonical)) else { return found }
            try await refresh()
            guard let packed = facts(digest) else { throw RegistryError.unknownManifest("\(repository):\(tag)") }
            return packed
        }
    }

    func facts(_ digest: Digest) -> ManifestFacts? {
        if let known = facts[digest] { return (try? FileStatus.of(path(digest))) == nil ? nil : known }
        guard let bytes = try? FileIO.read(path(digest), limit: Shelf.documentBytesMax),
            let links = try? JSONDecoder().decode(ManifestLinks.self, from: Data(bytes))
        else { return nil }
        if facts.count >= Shelf.factsMax { facts = [:] }
        let found = ManifestFacts(digest: digest, sizeBytes: Int64(bytes.count), links: links)
        facts[digest] = found
        return found
    }

    /// Manifests of a repository that speak of one, as descriptors, in order of their digests.
    func referrers(_ repository: String, of digest: Digest) async throws -> [ManifestFacts] {
        try await refresh()
        return Set(entries(repository).map(\.manifest)).compactMap(facts).filter { $0.links.subject?.digest == digest }
            .sorted { $0.digest < $1.digest }
    }

    // MARK: Blobs

    /// True where a manifest of the repository needs the blob, or is it.
    func has(_ repository: String, blob: Digest) async throws -> Bool {
        if holds(repository, blob) { return true }
        try await refresh()
        return holds(repository, blob)
    }

    private func holds(_ repository: String, _ blob: Digest) -> Bool {
        guard (try? FileStatus.of(path(blob))) != nil else { return false }
        return entries(repository).contains { entry in
            entry.manifest == blob
                || facts(entry.manifest)?.links.content.contains { $0.digest == blob } ?? false
        }
    }
}
