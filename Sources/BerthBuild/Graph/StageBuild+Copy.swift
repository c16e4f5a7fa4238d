// `COPY` and `ADD`: what is copied, from where, to where, and the key of it all.
import BerthLinux
import BerthModel
import BerthStore

extension StageBuild {
    /// Everything that decides a copy, expanded.
    private struct Wish: Sendable {
        var request: CopyRequest
        var chown: String?
        var mode: FileMode?
    }

    mutating func take(_ copy: CopyInstruction, _ instruction: Instruction) async throws {
        let wish = try wish(copy, instruction)
        let origin = try await origin(copy, instruction)
        let (selection, digest) = try await select(wish, origin, instruction)
        let request = wish.request
        var key = StepKey("copy")
        key.add("parent", state.key)
        key.add("destination", request.destination)
        key.add("directory", request.workingDirectory)
        key.add("chown", wish.chown ?? "")
        key.add("chmod", wish.mode?.text ?? "")
        key.add("content", "\(digest)")
        key.add(
            "flags",
            [
                "\(request.unpacks)", "\(request.isLinked)", "\(request.keepsParents)",
                timestampMax.map { "\($0)" } ?? "",
            ])
        let step = planned(instruction, key.digest)
        let top = state.top
        let result = try await session.take(step, above: top) { [self] place in
            try await session.offPool {
                try told(instruction) { try write(selection, wish, top, place) }
            }
        }
        let shown = (request.sources + request.inlineFiles.map(\.name) + [request.destination]).joined(separator: " ")
        adopt(result, step, history: "\(instruction.name) \(shown) # buildkit")
    }

    /// A failure of the work is one of the instruction, with its place.
    private func told<Result>(_ instruction: Instruction, _ body: () throws -> Result) throws -> Result {
        do { return try body() } catch let error as BerthError {
            let what = [error.message, error.cause].compactMap { $0 }.joined(separator: ": ")
            throw failure(instruction.place, "\(instruction.name): \(what)", hint: error.hint, code: error.code)
        } catch {
            throw failure(instruction.place, "\(instruction.name): \(error)")
        }
    }

    // MARK: What is wished

    private func wish(_ copy: CopyInstruction, _ instruction: Instruction) throws -> Wish {
        let words = try copy.sources.map { try expand($0, instruction) }
        if copy.isAdd, let address = words.first(where: { StageBuild.isRemote($0) }) {
            throw failure(
                instruction.place, "ADD \(address): files from other places are not fetched yet",
                hint: "fetch it in a RUN, or before the build", code: .unsupported)
        }
        var request = CopyRequest(sources: words, destination: try expand(copy.destination, instruction))
        request.workingDirectory = state.workingDirectory
        request.inlineFiles = try copy.heredocs.map { InlineFile(name: $0.name, content: try content($0, instruction)) }
        request.keepsParents = copy.parents
        request.excludes = try copy.excludes.map { try expand($0, instruction) }
        request.isLinked = copy.link
        request.unpacks = copy.isAdd && copy.unpack != false
        var mode: FileMode?
        if let text = try copy.chmod.map({ try expand($0, instruction) }) {
            do { mode = try FileMode.parse(text) } catch {
                throw failure(instruction.place, "--chmod: \(error)")
            }
        }
        if let mode { request.changeMode = { mode.applied(to: $0, isDirectory: $1) } }
        let chown = try copy.chown.map { try expand($0, instruction) }
        // Who it is, is known when it is written; that owners of sources do not count is known now.
        if chown != nil { request.owner = .root }
        return Wish(request: request, chown: chown, mode: mode)
    }

    /// Content of a heredoc; its escape is a backslash whatever the file's is.
    private func content(_ heredoc: Heredoc, _ instruction: Instruction) throws -> [UInt8] {
        guard heredoc.expands else { return Array(heredoc.content.utf8) }
        var expansion = WordExpansion(escape: "\\")
        expansion.keepsQuotes = true
        do {
            return Array(try expansion.word(heredoc.content) { state.value($0) }.text.utf8)
        } catch {
            throw failure(instruction.place, "heredoc \(heredoc.name): \(error)")
        }
    }

    private static func isRemote(_ word: String) -> Bool {
        word.hasPrefix("http://") || word.hasPrefix("https://") || word.hasPrefix("git@") || word.hasPrefix("ssh://")
            || word.hasPrefix("git://")
    }

    // MARK: Where it comes from

    private struct Origin: Sendable {
        var source: CopySource
        var context: ContextTree?
    }

    private func origin(_ copy: CopyInstruction, _ instruction: Instruction) async throws -> Origin {
        guard let from = copy.from, !from.isEmpty else {
            if let context = target.context { return Origin(source: context.source, context: context) }
            if copy.sources.isEmpty { return Origin(source: try nothing()) }
            throw failure(instruction.place, "\(instruction.name): there is no build context", code: .notFound)
        }
        let word = from
        if word.contains("$") {
            throw failure(
                instruction.place, "\(instruction.name) --from=\(word): variables are not expanded here",
                hint: "name a stage of its own: FROM \(word) AS …, with an ARG before the first FROM")
        }
        if target.target.contexts[word] == nil, let number = target.stage(named: word, before: stage.number) {
            return Origin(source: try tree(of: try await target.state(of: number), "stage \(word)"))
        }
        if let context = try await target.contextTree(word) { return Origin(source: context.source, context: context) }
        let label = "\(label()) FROM \(word)"
        let base = try await target.base(word, platform: state.platform, vertex: label)
        return Origin(source: try tree(of: base, word))
    }

    private func tree(of other: StageState, _ title: String) throws -> CopySource {
        .image(try LayerTree.readOnly(other.top, empty: session.empty), title: title)
    }

    /// Only files of the Dockerfile itself are copied.
    private func nothing() throws -> CopySource {
        .generated(
            SharedDescriptor(try Directory.open(session.empty, flags: FileFlags.directory)), title: "the Dockerfile")
    }

    private func select(
        _ wish: Wish, _ origin: Origin, _ instruction: Instruction
    ) async throws -> (CopySelection, Digest) {
        try await session.offPool {
            try told(instruction) {
                let selection = try CopySelection(wish.request, from: origin.source) { session.warn($0) }
                return (selection, try origin.context?.digest(selection) ?? CopyDigest.digest(of: selection))
            }
        }
    }

    // MARK: Where it goes

    private func write(_ selection: CopySelection, _ wish: Wish, _ top: BuildLayer?, _ place: StepPlace) throws {
        // A linked layer stands alone: it sees nothing of what is below it.
        let root =
            wish.request.isLinked
            ? SharedDescriptor(try Directory.open(place.upper, flags: FileFlags.directory))
            : try LayerTree.writable(top, upper: place.upper, work: place.work, empty: session.empty)
        var selection = selection
        if let chown = wish.chown {
            let names = wish.request.isLinked ? try LayerTree.readOnly(top, empty: session.empty) : root
            selection.request.owner = try OwnerNames.resolve(chown, root: names.number)
        }
        try CopyWriter(root: root, timestampMax: timestampMax, extractor: UnpackedArchives(session: session))
            .write(selection)
    }
}

/// Archives of ADD, unpacked beside the layer by the room that knows them.
private struct UnpackedArchives: ArchiveExtractor {
    let session: BuildSession

    func extract(_ archive: Int32, _ body: (SharedDescriptor) throws -> Void) throws -> Bool {
        let directory = "\(session.ingest)/\(session.newName("archive"))"
        try Directory.make(directory, mode: 0o755)
        defer { try? Directory.remove(directory) }
        guard try session.packer.unpack(archive, into: directory) else { return false }
        try body(SharedDescriptor(try Directory.open(directory, flags: FileFlags.directory)))
        return true
    }
}
