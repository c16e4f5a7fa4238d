// Files of the web, and contexts that are one: fetched by the agent's leave, unpacked here.
import BerthLinux
import BerthModel
import BerthStore

extension BuildSession {
    /// A file, alone in its directory. An address is asked once in a build.
    func fetched(_ address: String, git: GitRequest? = nil) async throws -> (directory: String, file: FetchedFile) {
        let key = "\(address) \(git.map { "\($0.reference ?? "") \($0.keepsHistory)" } ?? "")"
        let fetched = try await fetches.value(key) { [self] in
            let directory = "\(ingest)/\(newName("fetched"))"
            try Directory.make(directory, mode: 0o700)
            let vertex = begin(address + (git?.reference.map { "#\($0)" } ?? ""))
            do {
                let file = try await sandbox.fetch(address, git: git, into: directory)
                end(vertex, .done)
                return Fetched(directory: directory, file: file)
            } catch {
                end(vertex, .failed, "\((error as? BerthError)?.cause ?? "\(error)")")
                throw error
            }
        }
        return (fetched.directory, fetched.file)
    }

    struct Fetched: Sendable {
        var directory: String
        var file: FetchedFile
    }

    /// A target whose context is here: an archive of the web or of this host becomes a directory.
    func located(_ target: BuildTarget) async throws -> BuildTarget {
        switch target.context {
        case .remote(let address):
            if case .git(let text) = RemoteAddress(address, isContext: true) {
                return with(try await repository(text), target)
            }
            let (directory, file) = try await fetched(address)
            if let unpacked = try await unpacked("\(directory)/\(file.name)") { return with(unpacked, target) }
            // Any other file is a Dockerfile alone.
            var alone = target
            alone.context = .empty
            let text = try FileIO.read("\(directory)/\(file.name)", limit: BuildSession.dockerfileBytesMax)
            alone.dockerfileText = String(decoding: text, as: UTF8.self)
            return alone
        case .archive(let path):
            if let unpacked = try await unpacked(path) { return with(unpacked, target) }
            throw BerthError(
                .invalid, "building \(target.name)", subject: path, cause: "the context is no archive",
                hint: "a tar is expected, plain or compressed by gzip, bzip2, xz or zstd")
        default: return target
        }
    }

    /// Where the files of a named context are; nil: it has none of its own.
    func directory(of context: BuildContext) async throws -> String? {
        switch context {
        case .directory(let path): return path
        case .remote(let address):
            if case .git(let text) = RemoteAddress(address, isContext: true) { return try await repository(text) }
            let (directory, file) = try await fetched(address)
            return try await unpacked("\(directory)/\(file.name)") ?? directory
        default: return nil
        }
    }

    /// A repository's files, or those of one of its directories: a path in the ingest.
    private func repository(_ text: String) async throws -> String {
        let address: GitAddress
        do throws(GitAddress.Trouble) { address = try GitAddress(text) } catch {
            throw BerthError(
                .invalid, "opening the context \(text)", subject: text, cause: error.text,
                hint: "clone it, and name the directory")
        }
        let (directory, file) = try await fetched(
            address.remote, git: GitRequest(reference: address.reference, keepsHistory: false))
        let tree = "\(directory)/\(file.name)"
        guard let part = address.directory else { return tree }
        // By its real name: a link in the repository leads nowhere outside of it.
        let root = try Directory.open(tree, flags: FileFlags.directory)
        guard let found = try? Directory.open(inRootNumber: root.number, part, flags: FileFlags.directory),
            let top = try? Directory.readLink("/proc/self/fd/\(root.number)"),
            let real = try? Directory.readLink("/proc/self/fd/\(found.number)"), real.hasPrefix(top + "/")
        else {
            throw BerthError(
                .notFound, "opening the context \(text)", subject: text,
                cause: "the repository has no directory \(part)")
        }
        return tree + real.dropFirst(top.count)
    }

    private static let dockerfileBytesMax = 1 << 20

    private func with(_ directory: String, _ target: BuildTarget) -> BuildTarget {
        var located = target
        located.context = .directory(directory)
        return located
    }

    /// Nil: it is no archive.
    private func unpacked(_ path: String) async throws -> String? {
        try await offPool { [self] in
            let file: Descriptor
            do throws(SystemError) { file = try Directory.open(path, flags: FileFlags.readNonBlocking) } catch {
                throw BerthError(
                    error.isNotFound ? .notFound : .denied, "opening the build context", subject: path,
                    cause: error.reason)
            }
            let directory = "\(ingest)/\(newName("context"))"
            try Directory.make(directory, mode: 0o755)
            return try packer.unpack(file.number, into: directory) ? directory : nil
        }
    }
}
