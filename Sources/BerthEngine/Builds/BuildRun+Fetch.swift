// A file of the web for a build: fetched by a worker of its own, which has the network and nothing else.
import BerthLinux
import BerthModel
import BerthStore
import Synchronization

extension BuildRun {
    func fetch(_ address: String, _ directory: String, _ git: GitRequest?) async throws -> FetchedFile {
        let prefix = "\(ingest)/"
        let name = directory.hasPrefix(prefix) ? directory.dropFirst(prefix.count) : ""
        guard !name.isEmpty, !name.contains("/"), !name.hasPrefix(".") else {
            throw BerthError(.denied, "fetching \(address)", cause: "\(directory) is no directory of the build")
        }
        var request = WorkerRequest(kind: .fetch, ingest: "", created: "")
        request.fetch = WebRequest(address: address, directory: directory, access: access)
        request.fetch?.git = git
        let finished = request
        return try await engine.offPool { [self] in
            try parts.worker.fetch(finished, watch: FetchWatch(build: self))
        }
    }
}

/// Ends with its build.
private struct FetchWatch: WorkerWatch {
    let build: BuildRun

    func begins(in ingest: String) {}
    func ended() {}

    func runs(_ process: SharedDescriptor) {
        let isOver = build.life.withLock { life in
            life.others.append(process)
            return life.isOver
        }
        // Ignored: one that has ended already cannot be ended.
        if isOver { try? Process.signal(process.number, 9) }
    }
}
