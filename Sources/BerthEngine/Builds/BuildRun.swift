// One build as the agent sees it: the worker's questions answered, its steps run, everything ended when it ends.
import BerthLinux
import BerthModel
import BerthRuntime
import BerthStore
import Dispatch
import FoundationEssentials
import Synchronization

final class BuildRun: WorkerWatch, Sendable {
    struct Life {
        var ingest = ""
        var process: SharedDescriptor?
        var running: Set<ContainerID> = []
        var isOver = false
        /// Processes that work for it beside the worker.
        var others: [SharedDescriptor] = []
        /// Where layers are that were taken over, by where the worker made them.
        var moved: [String: String] = [:]
        /// Cached steps that would do; marked in one go at the end.
        var used: [Digest] = []
    }

    let engine: Engine
    let targets: [String: BuildTarget]
    let secrets: [String: [UInt8]]
    let access: RegistryAccess
    let report: ProgressReport
    let life = Mutex(Life())
    private let answers: (read: SharedDescriptor, write: SharedDescriptor)
    private let writing = DispatchQueue(label: "berth.build.answers")
    /// Questions under way.
    private let open = DispatchGroup()

    var parts: EngineParts { engine.parts }
    var ingest: String { life.withLock { $0.ingest } }

    init(
        engine: Engine, targets: [BuildTarget], secrets: [String: [UInt8]], access: RegistryAccess,
        report: @escaping ProgressReport
    ) throws {
        self.engine = engine
        self.targets = Dictionary(targets.map { ($0.name, $0) }) { $1 }
        self.secrets = secrets
        self.access = access
        self.report = report
        answers = try Process.pipe()
    }

    /// Blocks until the worker has ended.
    func perform(_ request: WorkerRequest) throws -> [BuiltImage] {
        var built: [BuiltImage] = []
        defer {
            // Ignored: the order in which the cache forgets is all that depends on it.
            try? parts.store.markUsed(life.withLock { $0.used }, now: now)
        }
        try parts.images.keepingAll {
            try parts.worker.run(
                request, archive: answers.read,
                progress: { told in
                    switch told {
                    case .build(let progress): report(.build(progress))
                    case .progress(let text): report(.warning(text))
                    case .question(let number, let question): answer(number, question)
                    default: break
                    }
                },
                watch: self,
                commit: { images, ingest in
                    try parts.images.commit(images, from: ingest)
                    built = zip(request.build?.targets ?? [], images).map { target, image in
                        BuiltImage(
                            target: target.name, image: image.config, manifest: image.manifest, tags: image.references)
                    }
                })
        }
        return built
    }

    private func answer(_ number: Int, _ question: BuildQuestion) {
        open.enter()
        Task {
            let answer: BuildAnswer
            do { answer = try await self.answer(question) } catch {
                answer = .failed(error as? BerthError ?? BerthError(.internal, "building", cause: "\(error)"))
            }
            if let line = try? JSONEncoder().encode(NumberedAnswer(number: number, answer: answer)) {
                writing.async { [answers] in
                    // Ignored: a worker that is gone reads no answers.
                    try? FileIO.write(number: answers.write.number, Array(line) + [0x0A])
                }
            }
            open.leave()
        }
    }

    private func answer(_ question: BuildQuestion) async throws -> BuildAnswer {
        switch question {
        case .image(let reference, let platform, let pulls):
            if try pulls || parts.images.find(reference) == nil {
                try await engine.pull(reference, platform: platform, access, report: report)
            }
            let image = try engine.image(reference)
            return .image(BaseImage(id: image.id, config: image.config, layers: image.manifest.layers))
        case .cached(let key):
            let row = try parts.store.cachedStep(key)
            guard let row, row.chainID.map(parts.images.hasLayer) ?? true else { return .cached(nil) }
            life.withLock { $0.used.append(key) }
            return .cached(row.step)
        case .keep(let step, let directory):
            var chainID: Digest?
            if let layer = step.layer {
                let chain = ContentHash.chain(layer.diffID, above: step.parent)
                try keep(directory, layer, chain)
                chainID = chain
            }
            try parts.store.insert(CachedStepRow(step: step, chainID: chainID, created: now, used: now))
            return .kept
        case .fetch(let address, let directory, let git):
            return .fetched(try await fetch(address, directory, git))
        case .run(let step):
            let (exitCode, output) = try await StepRunner(self, step).run()
            return .ran(exitCode: exitCode, output: output)
        }
    }

    /// A layer that the worker made is where it was, or where it was moved to: never in between.
    private func keep(_ directory: String, _ layer: PackedLayer, _ chain: Digest) throws {
        let place = "\(ingest)/\(directory)"
        guard !directory.contains("/"), !directory.hasPrefix(".") else {
            throw BerthError(.denied, "keeping a layer", cause: "\(directory) is no name of a directory")
        }
        try life.withLock { life in
            if try parts.images.keepLayer(place, packedBytes: layer.sizeBytes, as: chain) {
                life.moved["\(place)/diff"] = "\(parts.layout.layer(chainID: chain))/diff"
            }
        }
    }

    /// While the body runs, no layer is moved; it sees where layers are now.
    func withPlaces<Result>(_ lowers: [String], _ body: ([String]) throws -> Result) throws -> Result {
        try life.withLock { life in try body(lowers.map { life.moved[$0] ?? $0 }) }
    }

    private var now: Timestamp { Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()) }

    // MARK: Life

    func begins(in ingest: String) { life.withLock { $0.ingest = ingest } }

    func runs(_ process: SharedDescriptor) {
        let isOver = life.withLock { life in
            life.process = process
            return life.isOver
        }
        if isOver { cancel() }
    }

    /// The client is gone, or the worker: what runs ends now.
    func cancel() {
        let (processes, running) = life.withLock { life in
            life.isOver = true
            return (life.others + [life.process].compactMap { $0 }, life.running)
        }
        // Ignored: one that has ended already cannot be ended.
        for process in processes { try? Process.signal(process.number, 9) }
        for id in running { parts.runtime.kill(id) }
    }

    /// False: the build is over, nothing begins any more.
    func begin(_ id: ContainerID) -> Bool {
        life.withLock { life in
            if life.isOver { return false }
            life.running.insert(id)
            return true
        }
    }

    func end(_ id: ContainerID) { life.withLock { _ = $0.running.remove(id) } }

    /// The ingest directory goes when this returns: nothing may be left that uses it.
    func ended() {
        life.withLock { $0.process = nil }
        cancel()
        open.wait()
    }
}
