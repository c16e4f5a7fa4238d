// What is taken: blobs in pieces, whole or from another repository, and the manifests that name them.
import BerthLinux
import BerthModel
import BerthStore
import Dispatch
import FoundationEssentials
import NIOCore
import NIOHTTP1

extension RegistryService {
    private static let manifestBytesMax = 4 << 20
    private static let blobBytesMax: Int64 = 64 << 30

    // MARK: Uploads

    func beginUpload(_ repository: String, _ request: RegistryRequest, _ uploads: Uploads) async throws
        -> RegistryAnswer
    {
        guard shelf.names.reference(repository, tag: "x") != nil else { throw RegistryService.nameless(repository) }
        if let text = request.query["mount"], let digest = Digest(text), let from = request.query["from"],
            try await shelf.has(from, blob: digest)
        {
            try await uploads.permit(repository, digest)
            return RegistryService.created(repository, digest)
        }
        let id = try await uploads.begin(repository)
        if request.query["digest"] != nil {
            return try await finishUpload(repository, id, request, uploads)
        }
        return RegistryService.accepted(repository, id, 0)
    }

    private static func nameless(_ repository: String) -> RegistryError {
        RegistryError(.badRequest, "NAME_INVALID", "no image here can be called \(repository)")
    }

    private static func created(_ repository: String, _ digest: Digest) -> RegistryAnswer {
        RegistryAnswer(.created).adding("Location", "/v2/\(repository)/blobs/\(digest)")
            .adding("Docker-Content-Digest", "\(digest)")
    }

    private static func accepted(
        _ repository: String, _ id: String, _ offset: Int64, _ status: HTTPResponseStatus = .accepted
    ) -> RegistryAnswer {
        RegistryAnswer(status).adding("Location", "/v2/\(repository)/blobs/uploads/\(id)")
            .adding("Range", "0-\(max(0, offset - 1))").adding("Docker-Upload-UUID", id)
    }

    func uploadStatus(_ repository: String, _ id: String, _ uploads: Uploads) async throws -> RegistryAnswer {
        RegistryService.accepted(repository, id, try await uploads.offset(repository, id), .noContent)
    }

    func appendToUpload(
        _ repository: String, _ id: String, _ request: RegistryRequest, _ uploads: Uploads
    ) async throws -> RegistryAnswer {
        let (session, before) = try await uploads.take(repository, id)
        var progress = before
        do {
            try RegistryService.checkRange(request, repository, id, before.offset)
            try await receive(request, session, &progress)
        } catch {
            // What has come stays: a client whose connection was cut goes on from there.
            await uploads.giveBack(id, progress)
            throw error
        }
        await uploads.giveBack(id, progress)
        return RegistryService.accepted(repository, id, progress.offset)
    }

    func finishUpload(
        _ repository: String, _ id: String, _ request: RegistryRequest, _ uploads: Uploads
    ) async throws -> RegistryAnswer {
        guard let digest = request.query["digest"].flatMap({ Digest($0) }) else {
            throw RegistryError(.badRequest, "DIGEST_INVALID", "the digest is missing, or is no sha256 digest")
        }
        let (session, before) = try await uploads.take(repository, id)
        var progress = before
        do {
            try RegistryService.checkRange(request, repository, id, before.offset)
            try await receive(request, session, &progress)
            try await RegistryService.sync(session.file)
        } catch {
            await uploads.giveBack(id, progress)
            throw error
        }
        try await uploads.finish(id, progress, as: digest)
        return RegistryService.created(repository, digest)
    }

    /// A piece begins where the last one ended, and is as long as it says.
    private static func checkRange(
        _ request: RegistryRequest, _ repository: String, _ id: String, _ offset: Int64
    ) throws(RegistryError) {
        guard let text = request.header("Content-Range") else { return }
        let numbers = text.split(separator: " ").last.map { $0.prefix { $0 != "/" } } ?? ""
        let halves = numbers.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
        let here = RegistryService.accepted(repository, id, offset)
        guard halves.count == 2, let first = halves[0], let last = halves[1], first == offset, last >= first - 1,
            last < RegistryService.blobBytesMax, request.length.map({ Int64($0) == last - first + 1 }) ?? true
        else {
            throw RegistryError(
                .rangeNotSatisfiable, "BLOB_UPLOAD_INVALID", "the upload has \(offset) bytes",
                headers: here.headers)
        }
    }

    private func receive(
        _ request: RegistryRequest, _ session: UploadSession, _ progress: inout UploadProgress
    ) async throws {
        if let length = request.length { try RegistryService.checkRoom(session.file, Int64(length)) }
        var unchecked: Int64 = 0
        while let part = try await request.next() {
            unchecked += Int64(part.readableBytes)
            if unchecked >= 32 << 20 {
                unchecked = 0
                try RegistryService.checkRoom(session.file, 0)
            }
            guard progress.offset + Int64(part.readableBytes) <= RegistryService.blobBytesMax else {
                throw RegistryError(.payloadTooLarge, "SIZE_INVALID", "no blob is larger than 64 GiB")
            }
            try part.withUnsafeReadableBytes { bytes in
                try FileIO.write(number: session.file.number, bytes)
                progress.hash.update(bytes)
            }
        }
    }

    /// The host must not fill up because of what others send.
    private static func checkRoom(_ file: SharedDescriptor, _ wanted: Int64) throws {
        // Ignored: a file system that does not tell has no reserve.
        guard let space = try? FileSystemSpace.of(file.number) else { return }
        let reserve = min(space.sizeBytes / 20, 1 << 30)
        // Once to receive it, once to take it.
        guard wanted <= blobBytesMax, space.availableBytes - 2 * wanted >= reserve else {
            throw RegistryError(.insufficientStorage, "DENIED", "there is no room left for this")
        }
    }

    private static func sync(_ file: SharedDescriptor) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            DispatchQueue.global().async { continuation.resume(with: Result { try FileIO.sync(file.number) }) }
        }
    }

    func deleteBlob(_ repository: String, _ digest: Digest, _ uploads: Uploads) async throws -> RegistryAnswer {
        if await uploads.isPermitted(repository, digest) {
            await uploads.forget(repository, [digest])
            return RegistryAnswer(.accepted)
        }
        guard try await shelf.has(repository, blob: digest) else { throw RegistryError.unknownBlob(digest) }
        throw RegistryError(
            .methodNotAllowed, "UNSUPPORTED", "a manifest needs this blob: it goes when the manifest is deleted")
    }

    // MARK: Manifests

    func putManifest(
        _ repository: String, _ name: RegistryRoute.ManifestName, _ request: RegistryRequest, _ uploads: Uploads
    ) async throws -> RegistryAnswer {
        let bytes = try await request.bytes(limit: RegistryService.manifestBytesMax)
        let digest = ContentHash.digest(of: bytes)
        let reference: ImageReference?
        switch name {
        case .tag(let tag): reference = shelf.names.reference(repository, tag: tag)
        case .digest(let wanted):
            guard wanted == digest else {
                throw RegistryError(.badRequest, "DIGEST_INVALID", "what was sent has the digest \(digest)")
            }
            reference = shelf.names.reference(repository, digest)
        }
        guard let reference else { throw RegistryService.nameless(repository) }
        guard let links = try? JSONDecoder().decode(ManifestLinks.self, from: Data(bytes)),
            links.isIndex || links.config != nil
        else { throw RegistryError(.badRequest, "MANIFEST_INVALID", "it is neither a manifest nor an index") }
        let said = request.header("Content-Type")?.split(separator: ";").first.map(String.init)
        let type = links.mediaType ?? said ?? links.type
        if let said, links.mediaType != nil, said != type {
            throw RegistryError(.badRequest, "MANIFEST_INVALID", "it is no \(said.prefix(128))")
        }
        try await checkLinks(links, repository, uploads)
        try FileIO.replace(uploads.path(digest), bytes, durable: false)
        try await uploads.permit(repository, digest)
        await turnstile.enter()
        do {
            _ = try await voice.ask(
                .take(
                    SharedUpload(
                        reference: reference.canonical, manifest: digest, mediaType: type,
                        directory: uploads.directory)))
        } catch {
            await turnstile.leave()
            await uploads.forget(repository, [digest])
            throw error
        }
        await turnstile.leave()
        await uploads.forget(repository, links.content.map(\.digest) + [digest])
        var answer = RegistryAnswer(.created).adding("Location", "/v2/\(repository)/manifests/\(digest)")
            .adding("Docker-Content-Digest", "\(digest)")
        if let subject = links.subject { answer.add("OCI-Subject", "\(subject.digest)") }
        return answer
    }

    /// Whatever a manifest names is here, in its own repository.
    private func checkLinks(_ links: ManifestLinks, _ repository: String, _ uploads: Uploads) async throws {
        for digest in Set(links.content.map(\.digest)).sorted() {
            if await uploads.isPermitted(repository, digest) { continue }
            guard try await shelf.has(repository, blob: digest) else {
                throw RegistryError(.notFound, "MANIFEST_BLOB_UNKNOWN", "blob unknown to this repository: \(digest)")
            }
        }
        for child in links.manifests ?? [] where try await !shelf.has(repository, blob: child.digest) {
            throw RegistryError(
                .notFound, "MANIFEST_BLOB_UNKNOWN", "manifest unknown to this repository: \(child.digest)")
        }
    }

    func deleteManifest(_ repository: String, _ name: RegistryRoute.ManifestName) async throws -> RegistryAnswer {
        let reference =
            switch name {
            case .tag(let tag): shelf.names.reference(repository, tag: tag)
            case .digest(let digest): shelf.names.reference(repository, digest)
            }
        guard let reference else { throw RegistryError.unknownManifest("\(name)") }
        do { _ = try await voice.ask(.remove(reference.canonical)) } catch let error as RegistryError
            where error.status == .notFound
        {
            throw RegistryError.unknownManifest("\(name)")
        }
        return RegistryAnswer(.accepted)
    }
}
