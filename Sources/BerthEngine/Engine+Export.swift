// `--output`: what was built goes to files of the caller's instead of the store.
import BerthLinux
import BerthModel
import BerthStore

extension Engine {
    /// Writes one result. The image that was made for it goes again, unless it was there before.
    ///
    /// - Parameter known: ids of the images that there were before the build.
    func export(_ built: BuiltImage, _ output: BuildOutput, known: Set<Digest>) async throws {
        guard let image = try parts.images.find(built.image.hex) else { throw ImageStore.noSuchImage("\(built.image)") }
        switch output.kind {
        case .oci, .docker: try await save([(image, try output.names.map(ImageStore.canonical))], path: output.path)
        case .tar, .local: try await exportTree(of: image, output)
        }
        if known.contains(image.id) || !image.references.isEmpty { return }
        _ = try await removeImage(image.id.hex, force: false)
    }

    private func exportTree(of image: StoredImage, _ output: BuildOutput) async throws {
        let lowers = ContentHash.chainIDs(of: image.config.rootfs.diff_ids).reversed().map {
            "\(parts.layout.layer(chainID: $0))/diff"
        }
        try await writeTree(lowers, isArchive: output.kind == .tar, path: output.path)
    }

    /// - Parameter lowers: directories of layers, uppermost first.
    func writeTree(_ lowers: [String], isArchive: Bool, path: String) async throws {
        var request = WorkerRequest(kind: .export, ingest: "", created: "")
        request.export = TreeExport(lowers: lowers, isArchive: isArchive)
        let target: SharedDescriptor
        do {
            if !isArchive {
                try Directory.make(path, mode: 0o755)
                target = SharedDescriptor(try Directory.open(path, flags: FileFlags.directory))
            } else {
                target = SharedDescriptor(try Directory.open(path, flags: FileFlags.writeNew, mode: 0o644))
            }
        } catch {
            throw BerthError(.denied, "writing \(path)", subject: path, cause: "\(error)")
        }
        let finished = request
        do {
            try await offPool {
                try self.parts.worker.run(finished, archive: target, progress: { _ in }, commit: { _, _ in })
            }
        } catch {
            if isArchive { Engine.removeHalf(target, path) }
            throw error
        }
    }
}
