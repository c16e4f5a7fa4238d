// A build context: a directory of the caller's, without what its ignore file says, and what is known of its files.
import BerthLinux
import BerthModel
import BerthStore

final class ContextTree: Sendable {
    let path: String
    let tree: CopyTree
    private let book: FileDigestBook?
    /// What is ignored is left out of a copy; nil: nothing is, and the directory itself will do.
    private let copies = DeferredMap<String, String>()

    init(_ path: String, _ tree: CopyTree, _ book: FileDigestBook?) {
        self.path = path
        self.tree = tree
        self.book = book
    }

    /// - Parameters:
    ///   - dockerfile: its path in the context: `<path>.dockerignore` is stronger than `.dockerignore`.
    ///   - fileBook: where digests are remembered; nil: nowhere.
    static func open(_ path: String, dockerfile: String?, fileBook: String? = nil) throws -> ContextTree {
        let root: SharedDescriptor
        do throws(SystemError) {
            root = SharedDescriptor(try Directory.open(path, flags: FileFlags.directory))
        } catch {
            throw BerthError(
                .notFound, "opening the build context", subject: path,
                cause: "unable to prepare context: path \"\(path)\" not found",
                hint: "it must be a directory: \(error.reason)")
        }
        var tree = CopyTree(root: root)
        tree.hidesOwners = true
        tree.ignore = try IgnoreFile.read(root, dockerfile: dockerfile)
        return ContextTree(path, tree, fileBook.map(FileDigestBook.init))
    }

    var digest: CopyDigest { CopyDigest(tree: tree, book: book) }
    func save() { book?.save() }

    /// What a `RUN --mount=type=bind` of a part of it shows, and what stands for it in the key.
    func mount(
        _ path: String, scratch: String, _ session: BuildSession
    ) async throws -> (StepMount.Source, String) {
        let key = try await session.offPool { [self] in
            let source = try CopySelection(tree: tree).sources(path)
            return try digest.digest(source.first?.place ?? "/")
        }
        let directory = tree.ignore.isEmpty ? self.path : try await copy(of: path, session)
        return (.tree(lowers: [directory], path: path, scratch: scratch), "\(key)")
    }

    /// The part without what is ignored, in the ingest.
    private func copy(of path: String, _ session: BuildSession) async throws -> String {
        try await copies.value(path) { [self] in
            try await session.offPool { [self] in
                let directory = "\(session.ingest)/\(session.newName("context"))"
                try Directory.make(directory, mode: 0o755)
                let root = try Directory.open(directory, flags: FileFlags.directory)
                var writer = CopyWriter(root: root.number)
                writer.owner = FileOwnerIDs(userID: 0, groupID: 0)
                for source in try CopySelection(tree: tree).sources(path) {
                    try writer.copy(source, of: tree, to: path, excludes: IgnorePatterns([]))
                }
                return directory
            }
        }
    }
}

/// `.dockerignore`
enum IgnoreFile {
    private static let bytesMax = 1 << 20

    static func read(_ root: SharedDescriptor, dockerfile: String?) throws -> IgnorePatterns {
        for name in [dockerfile.map { "\($0).dockerignore" }, ".dockerignore"].compactMap({ $0 }) {
            let file: Descriptor
            do throws(SystemError) {
                file = try Directory.open(inRootNumber: root.number, name, flags: FileFlags.readNonBlocking)
            } catch {
                if error.isNotFound { continue }
                throw BerthError(.invalid, "reading \(name)", subject: name, cause: error.reason)
            }
            guard try FileStatus.of(file.number).kind == .regular else { continue }
            let bytes = try FileIO.read(file, limit: bytesMax)
            return IgnorePatterns(text: String(decoding: bytes, as: UTF8.self))
        }
        return IgnorePatterns([])
    }
}
