// Flags of docker build that are honoured beside the others, and those that mean nothing here: scripts keep working.
import ArgumentParser
import BerthModel

struct BuildExtras: ParsableArguments {
    @Option(help: "KEY=VALUE on the image's manifest; repeatable") var annotation: [String] = []
    @Option(help: "The size of /dev/shm of RUN, such as 64m") var shmSize: String?
    @Option(help: "NAME=SOFT[:HARD] for RUN; repeatable") var ulimit: [String] = []

    @Option(help: .hidden) var cacheFrom: [String] = []
    @Option(help: .hidden) var cacheTo: [String] = []
    @Option(help: .hidden) var provenance: String?
    @Option(help: .hidden) var sbom: String?
    @Option(help: .hidden) var attest: [String] = []
    @Option(help: .hidden) var builder: String?
    @Option(help: .hidden) var cgroupParent: String?
    @Option(name: [.customShort("m"), .customLong("memory")], help: .hidden) var memory: String?
    @Flag(help: .hidden) var load = false
    @Flag(inversion: .prefixedNo, help: .hidden) var rm = true
    @Flag(help: .hidden) var forceRm = false
    @Flag(help: .hidden) var compress = false

    func apply(to target: inout BuildTarget) throws {
        for text in annotation {
            let halves = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard halves.count == 2, !halves[0].isEmpty else {
                throw wrong("--annotation", text, "write KEY=VALUE")
            }
            // `manifest:KEY`: what is annotated; there is nothing but a manifest.
            let key = halves[0].hasPrefix("manifest:") ? String(halves[0].dropFirst(9)) : halves[0]
            target.annotations[key] = halves[1]
        }
        if let shmSize {
            guard let bytes = ByteSize.parse(shmSize) else { throw wrong("--shm-size", shmSize, "such as 64m") }
            target.shmSizeBytes = bytes
        }
        for text in ulimit {
            let halves = text.split(separator: "=", maxSplits: 1).map(String.init)
            let numbers = halves.count == 2 ? halves[1].split(separator: ":").map { Int64($0) } : []
            guard (1...2).contains(numbers.count), let soft = numbers[0], let hard = numbers.last ?? soft else {
                throw wrong("--ulimit", text, "write NAME=SOFT[:HARD], such as nofile=1024:2048")
            }
            target.ulimits[halves[0]] = Ulimit(soft: soft, hard: hard)
        }
    }

    /// What is asked for and not there: said, never silently left out.
    func warn() {
        let attests = !attest.isEmpty || [provenance, sbom].contains { $0 != nil && $0 != "false" }
        for (isAsked, text) in [
            (!cacheFrom.isEmpty, "--cache-from has no effect yet: the local cache is used"),
            (!cacheTo.isEmpty, "--cache-to has no effect yet: the local cache is used"),
            (attests, "attestations (--attest, --provenance, --sbom) are not made"),
            (builder.map { $0 != "default" } ?? false, "--builder has no effect: berth builds by itself"),
            (cgroupParent != nil, "--cgroup-parent has no effect: RUN has a control group of its own"),
            (memory != nil, "--memory has no effect: RUN may use what the host has"),
        ] where isAsked {
            Console.shared.warn(text)
        }
    }

    private func wrong(_ flag: String, _ text: String, _ hint: String) -> BerthError {
        BerthError(
            .invalid, "reading \(flag) \(text)", subject: text, cause: "\"\(text)\" is not understood", hint: hint)
    }
}
