// `COPY` and `ADD`: what is copied, from where, to where, and the key of it all.
import BerthLinux
import BerthModel
import BerthStore

extension StageBuild {
    /// Everything that decides a copy, expanded.
    private struct Wish: Sendable {
        /// Of sources that are here.
        var request: CopyRequest
        /// Addresses of the others.
        var remotes: [String] = []
        /// All sources, as they were written.
        var words: [String]
        var chown: String?
        var mode: FileMode?
    }

    mutating func take(_ copy: CopyInstruction, _ instruction: Instruction) async throws {
        let wish = try wish(copy, instruction)
        var parts: [(selection: CopySelection, digest: Digest)] = []
        if !wish.request.sources.isEmpty || !wish.request.inlineFiles.isEmpty {
            parts.append(try await select(wish.request, try await origin(copy, instruction), instruction))
        }
        for address in wish.remotes { parts.append(try await fetch(address, wish, copy, instruction)) }
        let request = wish.request
        var key = StepKey("copy")
        key.add("parent", state.key)
        key.add("destination", request.destination)
        key.add("directory", request.workingDirectory)
        key.add("chown", wish.chown ?? "")
        key.add("chmod", wish.mode?.text ?? "")
        key.add("content", parts.map { "\($0.digest)" })
        key.add(
            "flags",
            [
                "\(request.unpacks) \(copy.unpack == true)", "\(request.isLinked)", "\(request.keepsParents)",
                timestampMax.map { "\($0)" } ?? "",
            ])
        let step = planned(instruction, key.digest)
        let top = state.top
        let selections = parts.map(\.selection)
        let result = try await session.take(step, above: top) { [self] place in
            try await session.offPool {
                try told(instruction) { try write(selections, wish, top, place) }
            }
        }
        let shown = (wish.words + request.inlineFiles.map(\.name) + [request.destination]).joined(separator: " ")
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
        let remotes = copy.isAdd ? words.filter { RemoteAddress($0) != nil } : []
        var request = CopyRequest(
            sources: words.filter { !remotes.contains($0) }, destination: try expand(copy.destination, instruction))
        if words.count + copy.heredocs.count > 1 && !remotes.isEmpty && !request.isDestinationDirectory {
            throw failure(
                instruction.place,
                "with more than one source file, the destination must be a directory and end with a /")
        }
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
        if copy.checksum != nil && (remotes.isEmpty || words.count > 1) {
            throw failure(
                instruction.place, "ADD --checksum: it is of one source, and that one an address of the web")
        }
        let chown = try copy.chown.map { try expand($0, instruction) }
        // Who it is, is known when it is written; that owners of sources do not count is known now.
        if chown != nil { request.owner = .root }
        return Wish(request: request, remotes: remotes, words: words, chown: chown, mode: mode)
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
        _ request: CopyRequest, _ origin: Origin, _ instruction: Instruction
    ) async throws -> (selection: CopySelection, digest: Digest) {
        try await session.offPool {
            try told(instruction) {
                let selection = try CopySelection(request, from: origin.source) { session.warn($0) }
                return (selection, try origin.context?.digest(selection) ?? CopyDigest.digest(of: selection))
            }
        }
    }

    /// A file of the web, as it is unless `--unpack` says otherwise; or a repository's files.
    private func fetch(
        _ address: String, _ wish: Wish, _ copy: CopyInstruction, _ instruction: Instruction
    ) async throws -> (selection: CopySelection, digest: Digest) {
        let wanted = try copy.checksum.map { try expand($0, instruction) }
        var request = wish.request
        request.inlineFiles = []
        request.keepsParents = false
        request.unpacks = copy.unpack == true
        let root: String
        if case .git = RemoteAddress(address) {
            let git: GitAddress
            do throws(GitAddress.Trouble) { git = try GitAddress(address) } catch {
                throw failure(instruction.place, "ADD \(address): \(error.text)", code: .unsupported)
            }
            let (directory, tree) = try await session.fetched(
                git.remote, git: GitRequest(reference: git.reference, keepsHistory: copy.keepGitDirectory))
            if let wanted, let commit = tree.commit, wanted.utf8.count < 7 || !commit.hasPrefix(wanted) {
                throw mismatch(address, wanted, commit, instruction)
            }
            root = "\(directory)/\(tree.name)"
            request.sources = [CopySelection.literal(git.directory ?? "/")]
        } else {
            let (directory, file) = try await session.fetched(address)
            if let wanted {
                guard let digest = Digest(wanted) else {
                    throw failure(instruction.place, "ADD --checksum=\(wanted): it is no digest, expected sha256:…")
                }
                if digest != file.digest { throw mismatch(address, wanted, "\(file.digest)", instruction) }
            }
            root = directory
            // Whatever the name holds, it is this file and no pattern.
            request.sources = [CopySelection.literal(file.name)]
        }
        let opened = SharedDescriptor(try Directory.open(root, flags: FileFlags.directory))
        return try await select(request, Origin(source: .generated(opened, title: address)), instruction)
    }

    private func mismatch(
        _ address: String, _ wanted: String, _ found: String, _ instruction: Instruction
    ) -> BerthError {
        failure(
            instruction.place, "ADD \(address): digest mismatch: expected \(wanted), got \(found)",
            hint: "it is another one than when the digest was taken", code: .corrupt)
    }

    // MARK: Where it goes

    private func write(_ selections: [CopySelection], _ wish: Wish, _ top: BuildLayer?, _ place: StepPlace) throws {
        // A linked layer stands alone: it sees nothing of what is below it.
        let root =
            wish.request.isLinked
            ? SharedDescriptor(try Directory.open(place.upper, flags: FileFlags.directory))
            : try LayerTree.writable(top, upper: place.upper, work: place.work, empty: session.empty)
        var owner: CopyOwner?
        if let chown = wish.chown {
            let names = wish.request.isLinked ? try LayerTree.readOnly(top, empty: session.empty) : root
            owner = try OwnerNames.resolve(chown, root: names.number)
        }
        let writer = CopyWriter(
            root: root, timestampMax: timestampMax, extractor: UnpackedArchives(session: session))
        for var selection in selections {
            selection.request.owner = owner
            try writer.write(selection)
        }
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
