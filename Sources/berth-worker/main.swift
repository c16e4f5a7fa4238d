// The worker's start: fewer rights first, then the request, then reports.
import BerthLinux
import BerthModel
import BerthStore
import BerthTransfer
import FoundationEssentials

/// The archive, as the agent passes it.
let archiveDescriptorNumber: Int32 = 3

func report(_ report: WorkerReport) {
    guard let line = try? JSONEncoder().encode(report) else { return }
    // Ignored: an agent that is gone takes no reports.
    try? FileIO.write(number: 1, Array(line) + [0x0A])
}

func warn(_ text: String) { report(.progress(text)) }

do {
    let request = try JSONDecoder().decode(WorkerRequest.self, from: Data(try FileIO.read(number: 0, limit: 64 << 20)))
    try Confinement.forUnpacking()
    switch request.kind {
    case .importTree: report(.finished(try ArchiveImport.run(request, archive: archiveDescriptorNumber, warn: warn)))
    case .load: report(.finished(try ArchiveLoad.run(request, archive: archiveDescriptorNumber, warn: warn)))
    case .save:
        try ArchiveSave.run(request, archive: archiveDescriptorNumber)
        report(.finished([]))
    }
} catch let error as BerthError {
    report(.failed(error))
} catch {
    report(.failed(BerthError(.internal, "working on an image", cause: "\(error)")))
}
