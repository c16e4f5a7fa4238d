// What all targets of one build share: the agent, the ingest directory, step numbers, and steps under way.
import BerthLinux
import BerthModel
import BerthStore
import Dispatch
import Synchronization

package final class BuildSession: Sendable {
    package let sandbox: any BuildSandbox
    package let packer: any LayerPacker
    let ingest: String
    /// The store's layers.
    let layers: String
    private let bookPath: String
    private let book = Mutex<FileDigestBook?>(nil)
    /// Several targets: progress says whose step it is.
    let namesTargets: Bool
    /// RFC 3339: what is made now was made then.
    let now: String
    private let report: @Sendable (BuildProgress) -> Void
    private let numbers = Atomic(0)
    private let directories = Atomic(0)
    private let runs = DeferredMap<String, StepResult>()
    private let keeping = Mutex<[Deferred<Void>]>([])
    private let bases = DeferredMap<String, StageState>()
    let fetches = DeferredMap<String, Fetched>()

    package init(
        sandbox: any BuildSandbox, packer: any LayerPacker, ingest: String, work: BuildWork, now: String,
        report: @escaping @Sendable (BuildProgress) -> Void
    ) throws(SystemError) {
        self.sandbox = sandbox
        self.packer = packer
        self.ingest = ingest
        layers = work.layers
        bookPath = work.fileBook
        namesTargets = work.targets.count > 1
        self.now = now
        self.report = report
        try Directory.make(empty, mode: 0o755)
    }

    /// A directory with nothing in it.
    var empty: String { "\(ingest)/empty" }

    /// The name of a new directory in the ingest.
    func newName(_ kind: String) -> String { "\(kind)-\(directories.add(1, ordering: .relaxed).newValue)" }

    /// What is known of the files of contexts; read when the first context is opened.
    var fileBook: FileDigestBook {
        book.withLock { book in
            if let book { return book }
            let read = FileDigestBook.load(bookPath)
            book = read
            return read
        }
    }

    /// A book that cannot be written costs reading, and no more.
    func saveBook() { try? book.withLock { $0 }?.save(bookPath) }

    // MARK: Progress

    /// A step that has begun: how it goes on is told under its number.
    struct Vertex: Sendable {
        var number: Int
        var name: String
        var begin: Int64
    }

    func begin(_ name: String) -> Vertex {
        let number = numbers.add(1, ordering: .relaxed).newValue
        report(BuildProgress(step: number, name: name, status: .started))
        return Vertex(number: number, name: name, begin: monotonicNanoseconds())
    }

    func end(_ vertex: Vertex, _ status: BuildProgress.Status, _ text: String = "") {
        let elapsed = Double(monotonicNanoseconds() - vertex.begin) / 1e6
        report(
            BuildProgress(
                step: vertex.number, name: vertex.name, status: status, text: text, elapsedMilliseconds: elapsed))
    }

    func warn(_ text: String) { report(BuildProgress(step: 0, name: "", status: .warning, text: text)) }

    // MARK: Shared work

    /// Steps that are the same, above the same tree, are run once however many stages have them.
    func once(_ key: Digest, above top: BuildLayer?, _ body: @escaping @Sendable () async throws -> StepResult)
        async throws -> StepResult
    {
        let name = "\(key) \(top.map { "\(ObjectIdentifier($0))" } ?? "")"
        return try await runs.value(name, body)
    }

    /// A base image is looked up once.
    func base(_ name: String, _ body: @escaping @Sendable () async throws -> StageState) async throws -> StageState {
        try await bases.value(name, body)
    }

    /// Work that goes on beside the steps, and must have ended when the build does.
    func beside(_ body: @escaping @Sendable () async throws -> Void) {
        let work = Deferred(body)
        keeping.withLock { $0.append(work) }
    }

    /// Waits for everything beside; its first failure is thrown.
    func settle() async throws {
        var failure: (any Error)?
        while true {
            let open = keeping.withLock { open in
                defer { open = [] }
                return open
            }
            if open.isEmpty { break }
            for work in open {
                do { try await work.value } catch { failure = failure ?? error }
            }
        }
        if let failure { throw failure }
    }

    /// Blocking work beside the cooperative pool.
    func offPool<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Swift.Result { try body() }) }
        }
    }
}

/// What a step made.
struct StepResult: Sendable {
    /// The new uppermost layer; the old one where no file was changed.
    var top: BuildLayer?
    var isEmpty: Bool
    var created: String
}
