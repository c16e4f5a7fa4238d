// The files of a git repository at one commit: by the host's git, which is told little and trusted with nothing.
import BerthLinux
import BerthModel
import BerthStore

package enum GitFetch {
    private static let programs = ["/usr/bin/git", "/usr/local/bin/git", "/bin/git"]
    private static let saidBytesMax = 4 << 10
    /// Where the files are, in the request's directory.
    private static let tree = "tree"

    /// Call it from a process that has given up its rights, and whose end is the end of all that it has started.
    package static func answer(_ request: WorkerRequest) -> WorkerReport {
        do {
            guard let fetch = request.fetch, let git = fetch.git else {
                throw BerthError(.internal, "fetching", cause: "no repository")
            }
            guard let program = programs.first(where: { (try? FileStatus.of($0)) != nil }) else {
                throw BerthError(
                    .unavailable, "fetching \(fetch.address)", subject: fetch.address, cause: "this host has no git",
                    hint: "install it: apt-get install git")
            }
            return .fetched(try Run(program: program, fetch: fetch, git: git).run())
        } catch let error as BerthError {
            return .failed(error)
        } catch {
            return .failed(BerthError(.internal, "fetching", cause: "\(error)"))
        }
    }

    private struct Run {
        let program: String
        let fetch: WebRequest
        let git: GitRequest
        private var tree: String { "\(fetch.directory)/\(GitFetch.tree)" }

        func run() throws -> FetchedFile {
            try must(["init", "-q", "--template=", tree])
            // Names of submodules may be relative to it.
            try must(["-C", tree, "remote", "add", "origin", "--", fetch.address])
            let commit = try fetchCommit()
            try must(["-C", tree, "checkout", "-q", "--detach", commit])
            if (try? FileStatus.of("\(tree)/.gitmodules")) != nil {
                try must(["-C", tree, "submodule", "--quiet", "update", "--init", "--recursive"])
            }
            if !git.keepsHistory { try Directory.remove("\(tree)/.git") }
            var file = FetchedFile(
                name: GitFetch.tree, digest: ContentHash.digest(of: Array(commit.utf8)), sizeBytes: 0)
            file.commit = commit
            return file
        }

        /// The newest state alone where the server can give it; everything where it cannot.
        private func fetchCommit() throws -> String {
            let wanted = git.reference ?? "HEAD"
            let plain = ["-C", tree, "fetch", "-q", "--no-recurse-submodules"]
            if try call(plain + ["--no-tags", "--depth=1", "--", fetch.address, wanted]).code == 0 {
                return try resolve(["FETCH_HEAD"], wanted)
            }
            if git.reference == nil {
                try must(plain + ["--", fetch.address, "HEAD"])
                return try resolve(["FETCH_HEAD"], wanted)
            }
            try must(plain + ["--", fetch.address, "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"])
            return try resolve(["refs/remotes/origin/\(wanted)", "refs/tags/\(wanted)", wanted], wanted)
        }

        private func resolve(_ names: [String], _ wanted: String) throws -> String {
            for name in names {
                let (code, said) = try call([
                    "-C", tree, "rev-parse", "--verify", "-q", "--end-of-options", "\(name)^{commit}",
                ])
                let commit = said.prefix { $0.isHexDigit }
                if code == 0 && commit.utf8.count >= 40 { return String(commit) }
            }
            throw BerthError(
                .notFound, "fetching \(fetch.address)", subject: fetch.address,
                cause: "repository does not contain ref \(wanted)")
        }

        private func must(_ arguments: [String]) throws {
            let (code, said) = try call(arguments)
            if code == 0 { return }
            let lines = said.split(separator: "\n").suffix(3).joined(separator: "; ")
            throw BerthError(
                .unavailable, "fetching \(fetch.address)", subject: fetch.address,
                cause: lines.isEmpty ? "git ended with \(code)" : lines)
        }

        private func call(_ arguments: [String]) throws -> (code: Int32, said: String) {
            let nothing = try Directory.open("/dev/null", flags: FileFlags.readWrite)
            let log = "\(fetch.directory)/said"
            let output = try Directory.open(log, flags: FileFlags.writeNew, mode: 0o600)
            let child = try Process.spawn(
                program, ["git"] + settings + arguments, environment: environment,
                descriptors: [nothing.number, output.number, output.number])
            let code = try Process.wait(child)
            let said = (try? FileIO.readText(log, limit: GitFetch.saidBytesMax)) ?? ""
            try Directory.remove(log)
            return (code, said)
        }

        /// No hook, no other protocol, no program of the repository's: whatever its own settings say.
        private var settings: [String] {
            [
                "core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.allow=never",
                "protocol.http.allow=always", "protocol.https.allow=always", "protocol.git.allow=always",
                "http.followRedirects=initial", "gc.auto=0", "advice.detachedHead=false", "init.defaultBranch=main",
                "core.autocrlf=false", "safe.directory=*",
            ].flatMap { ["-c", $0] }
        }

        private var environment: [String] {
            let proxies = fetch.access.proxies
            return [
                "PATH=/usr/bin:/bin", "HOME=/nonexistent", "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1",
                "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false",
                "SSH_ASKPASS=/bin/false", "GIT_ALLOW_PROTOCOL=http:https:git", "GIT_LFS_SKIP_SMUDGE=1",
            ]
                + [("http_proxy", proxies.http), ("https_proxy", proxies.https)].compactMap { name, value in
                    value.map { "\(name)=\($0)" }
                } + (proxies.except.isEmpty ? [] : ["no_proxy=\(proxies.except.joined(separator: ","))"])
        }
    }
}
