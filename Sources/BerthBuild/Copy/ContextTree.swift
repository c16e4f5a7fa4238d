// A build context: a directory of the caller's, without what its ignore file says, and what is known of its files.
import BerthLinux
import BerthModel
import BerthStore

final class ContextTree: Sendable {
    let path: String
    let source: CopySource
    private let book: FileDigestBook?
    /// What is ignored is left out of a copy; nil: nothing is, and the directory itself will do.
    private let copies = DeferredMap<String, String>()

    private init(_ path: String, _ source: CopySource, _ book: FileDigestBook?) {
        self.path = path
        self.source = source
        self.book = book
    }

    /// - Parameters:
    ///   - dockerfile: its path in the context: `<path>.dockerignore` is stronger than `.dockerignore`.
    ///   - book: where digests are remembered; nil: nowhere.
    static func open(
        _ path: String, dockerfile: String?, title: String = "the build context", book: FileDigestBook? = nil
    ) throws -> ContextTree {
        let root: SharedDescriptor
        do throws(SystemError) {
            root = SharedDescriptor(try Directory.open(path, flags: FileFlags.directory))
        } catch {
            throw BerthError(
                .notFound, "opening the build context", subject: path,
                cause: "unable to prepare context: path \"\(path)\" not found",
                hint: "it must be a directory: \(error.reason)")
        }
        let ignored = try IgnoreFile.find(in: root, dockerfile: dockerfile)?.patterns
        return ContextTree(path, .context(root, ignoring: ignored, title: title), book)
    }

    func digest(_ selection: CopySelection) throws -> Digest { try CopyDigest.digest(of: selection, book: book) }

    /// What a `RUN --mount=type=bind` of a part of it shows, and what stands for it in the key.
    func mount(
        _ path: String, scratch: String, _ session: BuildSession
    ) async throws -> (StepMount.Source, String) {
        let key = try await session.offPool { [self] in
            try digest(try CopySelection(CopyRequest(sources: [path], destination: path), from: source))
        }
        let directory = source.ignored == nil ? self.path : try await copy(of: path, session)
        return (.tree(lowers: [directory], path: path, scratch: scratch), "\(key)")
    }

    /// The part without what is ignored, in the ingest.
    private func copy(of path: String, _ session: BuildSession) async throws -> String {
        try await copies.value(path) { [self] in
            try await session.offPool { [self] in
                let directory = "\(session.ingest)/\(session.newName("context"))"
                try Directory.make(directory, mode: 0o755)
                let root = SharedDescriptor(try Directory.open(directory, flags: FileFlags.directory))
                try CopyWriter(root: root).write(
                    try CopySelection(CopyRequest(sources: [path], destination: path), from: source))
                return directory
            }
        }
    }
}
