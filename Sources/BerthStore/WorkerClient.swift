// Runs one worker: gives it the archive and its ingest directory, listens to its reports, cleans up whatever happens.
import BerthLinux
import BerthModel
import FoundationEssentials

/// Who accompanies one worker from its start to its end.
package protocol WorkerWatch {
    /// The worker's ingest directory.
    func begins(in ingest: String)
    /// The process, by descriptor.
    func runs(_ process: SharedDescriptor)
    /// The worker is gone, its ingest directory still there.
    func ended()
}

package struct WorkerClient: Sendable {
    private let program: String
    private let layout: StateLayout

    package init(program: String, layout: StateLayout) {
        self.program = program
        self.layout = layout
    }

    /// Runs the request; on success `commit` sees the ingest directory, which is gone when this returns.
    ///
    /// Blocks its thread until the worker ends: call it off the cooperative pool.
    ///
    /// - Parameter archive: what the worker has as descriptor 3; of a build, where answers are read from.
    package func run(
        _ request: WorkerRequest, archive: SharedDescriptor?, progress: (WorkerReport) -> Void,
        watch: (any WorkerWatch)? = nil,
        commit: ([IngestedImage], String) throws -> Void
    ) throws {
        let ingest = "\(layout.ingest)/\(Hex.encode(randomBytes(8)))"
        try Directory.make("\(ingest)/blobs")
        try Directory.make("\(ingest)/layers")
        defer {
            if request.kind == .pull { PartialBlobs(layout).salvage(from: ingest) }
            // Ignored: what stays in ingest is collected later.
            try? Directory.remove(ingest)
        }
        var request = request
        request.ingest = ingest
        watch?.begins(in: ingest)
        defer { watch?.ended() }
        switch try result(of: request, archive: archive, watch: watch, progress: progress) {
        case .finished(let images):
            try commit(images, ingest)
            if request.kind == .pull { PartialBlobs(layout).removeStored(blobs: layout.blobs) }
        default: throw silent(request)
        }
    }

    /// Asks or gives a registry something; the digest where that is the answer. Blocks as `run` does.
    package func ask(
        _ request: WorkerRequest, progress: (WorkerReport) -> Void = { _ in }
    ) throws -> Digest? {
        switch try result(of: request, archive: nil, watch: nil, progress: progress) {
        case .resolved(let digest): return digest
        case .finished: return nil
        default: throw silent(request)
        }
    }

    /// Fetches a file of the web. Blocks as `run` does.
    package func fetch(_ request: WorkerRequest, watch: any WorkerWatch) throws -> FetchedFile {
        switch try result(of: request, archive: nil, watch: watch, progress: { _ in }) {
        case .fetched(let file): return file
        default: throw silent(request)
        }
    }

    private func silent(_ request: WorkerRequest) -> BerthError {
        BerthError(
            .internal, "\(request.kind.rawValue) of an image", cause: "the worker ended without a result",
            hint: "see \(layout.agentLog)")
    }

    /// Runs a worker to its end; its failure is thrown.
    private func result(
        of request: WorkerRequest, archive: SharedDescriptor?, watch: (any WorkerWatch)?,
        progress: (WorkerReport) -> Void
    ) throws -> WorkerReport? {
        let input = try FileIO.sealedMemory("berth-request", Array(try JSONEncoder().encode(request)))
        let output = try Process.pipe()
        let log = try Directory.open(layout.agentLog, flags: FileFlags.append, mode: 0o600)
        let processID = try Process.spawn(
            program, ["berth-worker", layout.runRoot], environment: [],
            descriptors: [input.number, output.write.number, log.number] + (archive.map { [$0.number] } ?? []),
            newSession: true)
        // Ignored: one that has ended already is seen by its silence.
        if let watch, let worker = try? Process.open(processID) { watch.runs(SharedDescriptor(worker)) }
        let result: WorkerReport?
        do { result = try listen(output, progress: progress) } catch {
            // Ignored: one that has ended already cannot be ended; the failure is what counts.
            if let worker = try? Process.open(processID) { try? Process.signal(worker.number, 9) }
            _ = try? Process.wait(processID)
            throw error
        }
        _ = try Process.wait(processID)
        if case .failed(let error) = result { throw error }
        return result
    }

    private func listen(
        _ pipe: (read: SharedDescriptor, write: SharedDescriptor), progress: (WorkerReport) -> Void
    ) throws -> WorkerReport? {
        let reader = LineReader(pipe.read.number, lineBytesMax: 64 << 20)
        pipe.write.closeEarly()
        var last: WorkerReport?
        while let line = try reader.next() {
            guard let report = try? JSONDecoder().decode(WorkerReport.self, from: Data(line)) else { continue }
            switch report {
            case .progress, .layer, .build, .question: progress(report)
            case .resolved, .fetched, .finished, .failed: last = report
            }
        }
        return last
    }
}
