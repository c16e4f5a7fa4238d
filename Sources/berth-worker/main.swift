// The worker's start: fewer rights first, then the request, then reports.
import BerthBuild
import BerthLinux
import BerthModel
import BerthRegistry
import BerthStore
import BerthTransfer
import Dispatch
import FoundationEssentials

/// The archive, as the agent passes it.
let archiveDescriptorNumber: Int32 = 3

let reportTurn = SerialLock()

@Sendable func report(_ report: WorkerReport) {
    guard let line = try? JSONEncoder().encode(report) else { return }
    reportTurn.locked {
        // Ignored: an agent that is gone takes no reports.
        try? FileIO.write(number: 1, Array(line) + [0x0A])
    }
}

@Sendable func warn(_ text: String) { report(.progress(text)) }

// The agent's thread waits for this process, and this one's for the fetching process: an end of one is an end of all.
do { try ProcessSetup.endWithParent() } catch { exitProcess(1) }

// Rights belong to a thread: they are given up before there is a second one.
if CommandLine.arguments.dropFirst().first == "fetch" {
    let request: WorkerRequest
    do {
        // The agent's own words: nothing hostile has been read yet.
        request = try JSONDecoder().decode(
            WorkerRequest.self, from: Data(try FileIO.read(number: 0, limit: 64 << 20)))
        let pull = request.pull
        try Confinement.forFetching(
            readable: [pull?.blobs, pull?.layers, pull?.partials].compactMap { $0 }, writable: [request.ingest])
    } catch {
        // Into the agent's log; ignored: who has no log has no reader.
        try? FileIO.write(number: 2, Array("berth-worker fetch: \(error)\n".utf8))
        exitProcess(1)
    }
    Task {
        await ImageFetch.main(request)
        exitProcess(0)
    }
    dispatchMain()
}

// The first process of its own process namespace: with its end, git and all that git started end.
if CommandLine.arguments.dropFirst().first == "git" {
    do {
        let request = try JSONDecoder().decode(
            WorkerRequest.self, from: Data(try FileIO.read(number: 0, limit: 1 << 20)))
        try Confinement.forFetching(writable: [request.fetch?.directory].compactMap { $0 })
        // Files of a repository have the modes that git gives them.
        ProcessSetup.setFileMask(0o022)
        report(GitFetch.answer(request))
    } catch {
        report(.failed(BerthError(.internal, "fetching", cause: "\(error)")))
    }
    exitProcess(0)
}

// The registry of one's own: it listens already, and who started it answers for the agent.
if CommandLine.arguments.dropFirst().first == "registry" {
    let request: ServeRequest
    do {
        request = try JSONDecoder().decode(ServeRequest.self, from: Data(try FileIO.read(number: 0, limit: 4 << 20)))
        try Confinement.forServing(
            readable: [request.blobs], writable: [request.uploads].compactMap { $0 })
    } catch {
        try? FileIO.write(number: 2, Array("berth-worker registry: \(error)\n".utf8))
        exitProcess(1)
    }
    Task {
        do { try await RegistryServer.run(request, listener: archiveDescriptorNumber, answers: 4) } catch {
            try? FileIO.write(number: 2, Array("berth-worker registry: \(error)\n".utf8))
            exitProcess(1)
        }
        exitProcess(0)
    }
    dispatchMain()
}

/// Runs git in a process of its own; its report goes where ours do.
func runGit(_ bytes: [UInt8]) throws {
    let input = try FileIO.sealedMemory("berth-git", bytes)
    try ProcessSetup.separateChildren()
    let child = try Process.spawn(
        "/proc/self/exe", ["berth-worker", "git"] + CommandLine.arguments.dropFirst(),
        descriptors: [input.number, 1, 2])
    try Confinement.forFetching()
    _ = try Process.wait(child)
}

/// Starts the fetching process of a pull before this one gives up its network. Its reports are the result.
func startFetching(_ bytes: [UInt8]) throws -> SharedDescriptor {
    let input = try FileIO.sealedMemory("berth-fetch", bytes)
    let output = try Process.pipe()
    // Nobody waits for it: it ends with this process at the latest.
    _ = try Process.spawn(
        "/proc/self/exe", ["berth-worker", "fetch"] + CommandLine.arguments.dropFirst(),
        descriptors: [input.number, output.write.number, 2])
    output.write.closeEarly()
    return output.read
}

do {
    let bytes = try FileIO.read(number: 0, limit: 64 << 20)
    let request = try JSONDecoder().decode(WorkerRequest.self, from: Data(bytes))
    if request.fetch?.git != nil {
        try runGit(bytes)
        exitProcess(0)
    }
    if [.push, .resolve, .login, .fetch].contains(request.kind) {
        try Confinement.forFetching(
            readable: request.kind == .push ? [request.pull?.blobs].compactMap { $0 } : [],
            writable: [request.fetch?.directory].compactMap { $0 })
        Task {
            if request.kind == .fetch {
                report(await WebFetch.answer(request))
            } else {
                report(await RegistryQuestion.answer(request, report: { report(.layer($0)) }))
            }
            exitProcess(0)
        }
        dispatchMain()
    }
    let fetched = request.kind == .pull ? try startFetching(bytes) : nil
    try Confinement.forUnpacking()
    switch request.kind {
    case .importTree: report(.finished(try ArchiveImport.run(request, archive: archiveDescriptorNumber, warn: warn)))
    case .take: report(.finished(try SharedTake.run(request, warn: warn)))
    case .commit: report(.finished(try ContainerCommit.run(request, warn: warn)))
    case .load: report(.finished(try ArchiveLoad.run(request, archive: archiveDescriptorNumber, warn: warn)))
    case .pull:
        let images = try ImagePull.run(
            request, reports: fetched?.number ?? -1, warn: warn, progress: { report(.layer($0)) })
        report(.finished(images))
    case .build:
        guard let work = request.build else { throw BerthError(.internal, "building", cause: "nothing was asked for") }
        let sandbox = AgentSandbox(answers: archiveDescriptorNumber, send: report)
        Task {
            do {
                let images = try await ImageBuild.run(
                    work, ingest: request.ingest, now: request.created, sandbox: sandbox, packer: TarPacker(),
                    report: { report(.build($0)) })
                report(.finished(images))
            } catch let error as BerthError {
                report(.failed(error))
            } catch {
                report(.failed(BerthError(.internal, "building", cause: "\(error)")))
            }
            exitProcess(0)
        }
        dispatchMain()
    case .push, .resolve, .login, .fetch: break
    case .export:
        guard let export = request.export else {
            throw BerthError(.internal, "exporting", cause: "nothing was asked for")
        }
        let tree = try TreeOutput.open(lowers: export.lowers, empty: "\(request.ingest)/layers")
        if export.isArchive {
            try LayerPack.writeTree(tree.number) { try FileIO.write(number: archiveDescriptorNumber, $0) }
        } else {
            try TreeOutput.copy(tree, into: SharedDescriptor(Descriptor(owning: archiveDescriptorNumber)))
        }
        report(.finished([]))
    case .pack: report(.finished(try ImagePack.run(request)))
    case .save:
        try ArchiveSave.run(request, archive: archiveDescriptorNumber)
        report(.finished([]))
    }
} catch let error as BerthError {
    report(.failed(error))
} catch {
    report(.failed(BerthError(.internal, "working on an image", cause: "\(error)")))
}
