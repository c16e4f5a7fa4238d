// What is given: manifests, blobs, and lists of what there is.
import BerthLinux
import BerthModel
import FoundationEssentials
import NIOHTTP1

extension RegistryService {
    func manifest(_ repository: String, _ name: RegistryRoute.ManifestName) async throws -> RegistryAnswer {
        let facts = try await shelf.manifest(repository, name)
        guard let file = try? Directory.open(shelf.path(facts.digest)) else {
            throw RegistryError.unknownManifest("\(name)")
        }
        var answer = RegistryAnswer(
            .ok, .file(SharedDescriptor(file), offset: 0, count: facts.sizeBytes), type: facts.links.type)
        answer.add("Docker-Content-Digest", "\(facts.digest)")
        return answer
    }

    func blob(_ repository: String, _ digest: Digest, _ request: RegistryRequest) async throws -> RegistryAnswer {
        var path = shelf.path(digest)
        if try await !shelf.has(repository, blob: digest) {
            guard let uploads, await uploads.isPermitted(repository, digest) else {
                throw RegistryError.unknownBlob(digest)
            }
            if (try? FileStatus.of(path)) == nil { path = uploads.path(digest) }
        }
        guard let open = try? Directory.open(path, flags: FileFlags.readNoFollow) else {
            throw RegistryError.unknownBlob(digest)
        }
        let file = SharedDescriptor(open)
        let size = try FileStatus.of(file.number).sizeBytes
        let range = ByteRange(request.header("Range"), size: size)
        var answer: RegistryAnswer
        switch range {
        case .whole: answer = RegistryAnswer(.ok, .file(file, offset: 0, count: size))
        case .part(let offset, let count):
            answer = RegistryAnswer(.partialContent, .file(file, offset: offset, count: count))
            answer.add("Content-Range", "bytes \(offset)-\(offset + count - 1)/\(size)")
        case .unsatisfiable:
            throw RegistryError(
                .rangeNotSatisfiable, "RANGE_INVALID", "the blob has \(size) bytes",
                headers: [("Content-Range", "bytes */\(size)")])
        }
        answer.add("Content-Type", "application/octet-stream")
        answer.add("Accept-Ranges", "bytes")
        answer.add("Docker-Content-Digest", "\(digest)")
        return answer
    }

    // MARK: Lists

    private struct Catalog: Encodable { var repositories: [String] }
    private struct Tags: Encodable {
        var name: String
        var tags: [String]
    }

    func catalog(_ request: RegistryRequest) async throws -> RegistryAnswer {
        let page = try Page(try await shelf.repositories(), request.query, path: "/v2/_catalog")
        return try page.answer(Catalog(repositories: page.items))
    }

    func tags(_ repository: String, _ request: RegistryRequest) async throws -> RegistryAnswer {
        let page = try Page(try await shelf.tags(repository), request.query, path: "/v2/\(repository)/tags/list")
        return try page.answer(Tags(name: repository, tags: page.items))
    }

    private struct Referrer: Encodable {
        var mediaType: String
        var digest: Digest
        var size: Int64
        var artifactType: String?
        var annotations: [String: String]?
    }
    private struct Referrers: Encodable {
        var schemaVersion = 2
        var mediaType = MediaType.index
        var manifests: [Referrer]
    }

    func referrers(_ repository: String, _ digest: Digest, _ request: RegistryRequest) async throws -> RegistryAnswer {
        let wanted = request.query["artifactType"]
        let all = try await shelf.referrers(repository, of: digest).map { facts in
            Referrer(
                mediaType: facts.links.type, digest: facts.digest, size: facts.sizeBytes,
                artifactType: facts.links.artifactType ?? facts.links.config?.mediaType,
                annotations: facts.links.annotations)
        }.filter { wanted == nil || $0.artifactType == wanted }
        let bytes = Array(try RegistryService.encoder.encode(Referrers(manifests: all)))
        var answer = RegistryAnswer(.ok, .bytes(bytes), type: MediaType.index)
        if wanted != nil { answer.add("OCI-Filters-Applied", "artifactType") }
        return answer
    }

    static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}

/// A part of a list, and the link to the next one: `n` at most, what comes after `last`.
struct Page {
    let items: [String]
    let link: String?
    private static let itemsMax = 10_000

    /// - Parameter all: sorted.
    init(_ all: [String], _ query: RegistryQuery, path: String) throws(RegistryError) {
        var count = Page.itemsMax
        if let text = query["n"] {
            guard let number = Int(text), number >= 0 else {
                throw RegistryError(.badRequest, "PAGINATION_NUMBER_INVALID", "\"\(text.prefix(64))\" is no number")
            }
            count = min(number, count)
        }
        let rest = query["last"].map { last in Array(all.drop { $0 <= last }) } ?? all
        items = Array(rest.prefix(count))
        guard items.count < rest.count, let last = items.last else {
            link = nil
            return
        }
        link = "<\(path)?last=\(RegistryQuery.encoded(last))&n=\(count)>; rel=\"next\""
    }

    func answer(_ document: some Encodable) throws -> RegistryAnswer {
        let bytes = Array(try RegistryService.encoder.encode(document))
        var answer = RegistryAnswer(.ok, .bytes(bytes), type: "application/json")
        if let link { answer.add("Link", link) }
        return answer
    }
}
