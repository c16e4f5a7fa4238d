// Runs one worker: gives it the archive and its ingest directory, listens to its reports, cleans up whatever happens.
import BerthLinux
import BerthModel
import FoundationEssentials

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
    package func run(
        _ request: WorkerRequest, archive: SharedDescriptor?, progress: (WorkerReport) -> Void,
        commit: ([IngestedImage], String) throws -> Void
    ) throws {
        let ingest = "\(layout.ingest)/\(Hex.encode(randomBytes(8)))"
        try Directory.make("\(ingest)/blobs")
        try Directory.make("\(ingest)/layers")
        // Ignored: what stays in ingest is collected later.
        defer { try? Directory.remove(ingest) }
        var request = request
        request.ingest = ingest
        let input = try FileIO.sealedMemory("berth-request", Array(try JSONEncoder().encode(request)))
        let output = try Process.pipe()
        let log = try Directory.open(layout.agentLog, flags: FileFlags.append, mode: 0o600)
        let processID = try Process.spawn(
            program, ["berth-worker", layout.runRoot], environment: [],
            descriptors: [input.number, output.write.number, log.number] + (archive.map { [$0.number] } ?? []),
            newSession: true)
        let result: WorkerReport?
        do { result = try listen(output, progress: progress) } catch {
            // Ignored: one that has ended already cannot be ended; the failure is what counts.
            if let worker = try? Process.open(processID) { try? Process.signal(worker.number, 9) }
            _ = try? Process.wait(processID)
            throw error
        }
        let code = try Process.wait(processID)
        switch result {
        case .finished(let images): try commit(images, ingest)
        case .failed(let error): throw error
        default:
            throw BerthError(
                .internal, "\(request.kind.rawValue) of an image",
                cause: "the worker ended with code \(code) and no result",
                hint: "see \(layout.agentLog)")
        }
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
            case .progress, .layer: progress(report)
            case .finished, .failed: last = report
            }
        }
        return last
    }
}
