// `COPY` and `ADD`: what is copied, from where, to where, and the key of it all.
import BerthLinux
import BerthModel
import BerthStore

extension StageBuild {
    /// Everything that decides a copy, expanded.
    private struct Wish: Sendable {
        var words: [String]
        var files: [(name: String, content: [UInt8])]
        /// Absolute; a slash at the end where one was meant.
        var destination: String
        var chown: String?
        var mode: FileMode?
        var excludes: IgnorePatterns
        var unpacks: Bool
        var isLinked: Bool
        var keepsParents: Bool
    }

    mutating func take(_ copy: CopyInstruction, _ instruction: Instruction) async throws {
        let wish = try wish(copy, instruction)
        let origin = try await origin(copy, instruction)
        let (selected, digests) = try await select(wish, origin, instruction)
        if wish.words.count + wish.files.count > 1 && !wish.destination.hasSuffix("/") {
            throw failure(
                instruction.place,
                "When using \(instruction.name) with more than one source file, the destination must be a directory and end with a /"
            )
        }
        var key = StepKey("copy")
        key.add("parent", state.key)
        key.add("destination", wish.destination)
        key.add("chown", wish.chown ?? "")
        key.add("chmod", wish.mode?.text ?? "")
        key.add("names", selected.map(\.name))
        key.add("digests", digests.map { "\($0)" })
        key.add("files", wish.files.map { "\($0.name) \(ContentHash.digest(of: $0.content))" })
        key.add("excludes", copy.excludes)
        key.add("parents", wish.keepsParents ? wish.words : [])
        key.add("flags", ["\(wish.unpacks)", "\(wish.isLinked)", timestampMax.map { "\($0)" } ?? ""])
        let step = planned(instruction, key.digest)
        let top = state.top
        let result = try await session.take(step, above: top) { [self] place in
            try await session.offPool {
                do { try write(selected, wish, origin, top, place) } catch let error as BerthError {
                    throw failure(
                        instruction.place, "\(instruction.name): \(error.cause ?? error.message)", hint: error.hint)
                } catch {
                    throw failure(instruction.place, "\(instruction.name): \(error)")
                }
            }
        }
        let shown = (wish.words + wish.files.map(\.name) + [wish.destination]).joined(separator: " ")
        adopt(result, step, history: "\(instruction.name) \(shown) # buildkit")
    }

    // MARK: What is wished

    private func wish(_ copy: CopyInstruction, _ instruction: Instruction) throws -> Wish {
        let word = try expand(copy.destination, instruction)
        var destination = PathText.absolute(word, below: state.workingDirectory)
        if word.isEmpty || word == "." || word.hasSuffix("/") || word.hasSuffix("/.") {
            destination += destination == "/" ? "" : "/"
        }
        var mode: FileMode?
        if let text = try copy.chmod.map({ try expand($0, instruction) }) {
            do { mode = try FileMode.parse(text) } catch {
                throw failure(instruction.place, "--chmod: \(error)")
            }
        }
        let words = try copy.sources.map { try expand($0, instruction) }
        if copy.isAdd, let address = words.first(where: { StageBuild.isRemote($0) }) {
            throw failure(
                instruction.place, "ADD \(address): files from other places are not fetched yet",
                hint: "fetch it in a RUN, or before the build", code: .unsupported)
        }
        let files = try copy.heredocs.map { heredoc -> (name: String, content: [UInt8]) in
            guard heredoc.expands else { return (heredoc.name, Array(heredoc.content.utf8)) }
            var expansion = target.expansion
            expansion.keepsQuotes = true
            do {
                return (heredoc.name, Array(try expansion.word(heredoc.content) { state.value($0) }.text.utf8))
            } catch {
                throw failure(instruction.place, "heredoc \(heredoc.name): \(error)")
            }
        }
        return Wish(
            words: words, files: files, destination: destination,
            chown: try copy.chown.map { try expand($0, instruction) }, mode: mode,
            excludes: IgnorePatterns(try copy.excludes.map { try expand($0, instruction) }),
            unpacks: copy.isAdd && copy.unpack != false, isLinked: copy.link, keepsParents: copy.parents)
    }

    private static func isRemote(_ word: String) -> Bool {
        word.hasPrefix("http://") || word.hasPrefix("https://") || word.hasPrefix("git@") || word.hasPrefix("ssh://")
            || word.hasPrefix("git://")
    }

    // MARK: Where it comes from

    /// A tree, and what is known of its files; no tree: only files of the Dockerfile are copied.
    private struct Origin: Sendable {
        var tree: CopyTree?
        var context: ContextTree?
    }

    private func origin(_ copy: CopyInstruction, _ instruction: Instruction) async throws -> Origin {
        guard let from = copy.from, !from.isEmpty else {
            guard let context = target.context else {
                if copy.sources.isEmpty { return Origin() }
                throw failure(instruction.place, "\(instruction.name): there is no build context", code: .notFound)
            }
            return Origin(tree: context.tree, context: context)
        }
        let word = try expand(from, instruction)
        if target.target.contexts[word] == nil, let number = target.stage(named: word, before: stage.number) {
            return Origin(tree: try tree(of: try await target.state(of: number)))
        }
        if let context = try await target.contextTree(word) { return Origin(tree: context.tree, context: context) }
        let label = "\(label()) FROM \(word)"
        return Origin(tree: try tree(of: try await target.base(word, platform: state.platform, vertex: label)))
    }

    private func tree(of other: StageState) throws -> CopyTree {
        CopyTree(root: try LayerTree.readOnly(other.top, empty: session.empty))
    }

    private func select(
        _ wish: Wish, _ origin: Origin, _ instruction: Instruction
    ) async throws -> ([SelectedSource], [Digest]) {
        guard let tree = origin.tree else { return ([], []) }
        return try await session.offPool {
            do {
                let selection = CopySelection(tree: tree)
                let digest = origin.context?.digest ?? CopyDigest(tree: tree, book: nil)
                let selected =
                    wish.keepsParents
                    ? try ParentsSelection(tree: tree).sources(wish.words)
                    : try wish.words.flatMap { try selection.sources($0) }
                return (selected, try selected.map { try digest.digest($0.place, excludes: wish.excludes) })
            } catch let error as BerthError {
                throw failure(
                    instruction.place, "\(instruction.name): \(error.cause ?? error.message)", hint: error.hint)
            } catch {
                throw failure(instruction.place, "\(instruction.name): \(error)")
            }
        }
    }

    // MARK: Where it goes

    private func write(
        _ selected: [SelectedSource], _ wish: Wish, _ origin: Origin, _ top: BuildLayer?, _ place: StepPlace
    ) throws {
        // A linked layer stands alone: it sees nothing of what is below it.
        let root =
            wish.isLinked
            ? SharedDescriptor(try Directory.open(place.upper, flags: FileFlags.directory))
            : try LayerTree.writable(top, upper: place.upper, work: place.work, empty: session.empty)
        var writer = CopyWriter(root: root.number)
        writer.mode = wish.mode
        if let chown = wish.chown {
            let names = wish.isLinked ? try LayerTree.readOnly(top, empty: session.empty) : root
            writer.owner = try OwnerNames.resolve(chown, root: names.number)
        }
        for source in selected {
            guard let tree = origin.tree else { continue }
            if wish.unpacks, try unpack(source, tree, wish, writer, place) { continue }
            let destination = wish.keepsParents ? "\(wish.destination)/\(source.name)" : wish.destination
            if wish.keepsParents {
                try writer.copy(
                    SelectedSource(place: source.place, name: CopyWriter.split(source.name).name), of: tree,
                    to: destination, excludes: wish.excludes)
            } else {
                try writer.copy(source, of: tree, to: destination, excludes: wish.excludes)
            }
        }
        for file in wish.files { try writer.write(file.content, named: file.name, to: wish.destination) }
    }

    /// An archive becomes what is in it. False: it is none.
    private func unpack(
        _ source: SelectedSource, _ tree: CopyTree, _ wish: Wish, _ writer: CopyWriter, _ place: StepPlace
    ) throws -> Bool {
        guard try tree.status(source.place).kind == .regular else { return false }
        let file = try Directory.open(inRootNumber: tree.root.number, source.place, flags: FileFlags.readNonBlocking)
        let directory = "\(session.ingest)/\(session.newName("archive"))"
        try Directory.make(directory, mode: 0o755)
        defer { try? Directory.remove(directory) }
        guard try session.packer.unpack(file.number, into: directory) else { return false }
        let unpacked = SharedDescriptor(try Directory.open(directory, flags: FileFlags.directory))
        try writer.copy(
            SelectedSource(place: "/", name: ""), of: CopyTree(root: unpacked), to: wish.destination,
            excludes: wish.excludes)
        return true
    }
}
