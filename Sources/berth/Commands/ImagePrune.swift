// `image prune`: what may go of the images, by name, age, label and budget.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct ImagePrune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune", abstract: "Remove images without a name",
        discussion: """
            Examples:
              berth image prune -a                         every image that no container is made from
              berth image prune -a --filter until=240h     of those, what was made more than ten days ago
              berth image prune -a --keep-storage 20gb     of those, what was pulled longest ago, down to 20 GB
            """)
    @Flag(name: [.customShort("a"), .customLong("all")], help: "All that no container is made from") var all = false
    @Flag(name: [.customShort("f"), .customLong("force")], help: "Do not ask") var force = false
    @Option(help: "until=AGE or a time, label=KEY[=VALUE], dangling=true or false; repeatable") var filter: [String] =
        []
    @Option(help: "Stop when the store takes no more than so many bytes") var keepStorage: String?

    /// The filter in words.
    static func read(
        _ words: [String], all: Bool, keepStorage: String? = nil, now: Timestamp
    ) throws -> PruneFilter {
        var result = PruneFilter(all: all)
        for word in words {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            func wrong(_ cause: String) -> BerthError {
                BerthError(.invalid, "reading --filter \(word)", subject: word, cause: cause)
            }
            guard parts.count == 2 else { throw wrong("a filter is NAME=VALUE") }
            switch parts[0] {
            case "until":
                if let age = PullPolicy.age(parts[1]) {
                    let nanoseconds = age.components.seconds * 1_000_000_000
                    result.until = Timestamp(nanosecondsSinceEpoch: now.nanosecondsSinceEpoch - nanoseconds)
                } else if let time = Timestamp(rfc3339: parts[1]) {
                    result.until = time
                } else {
                    throw wrong("\(parts[1]) is neither an age such as 24h nor a time such as 2026-01-02T03:04:05Z")
                }
            case "label": result.labels.append(parts[1])
            case "dangling":
                guard ["true", "false", "1", "0"].contains(parts[1]) else { throw wrong("it is true or false") }
                result.all = all || ["false", "0"].contains(parts[1])
            default: throw wrong("only until, label and dangling are known")
            }
        }
        if let keepStorage {
            guard let bytes = ByteSize.parse(keepStorage), bytes >= 0 else {
                throw BerthError(
                    .invalid, "reading --keep-storage \(keepStorage)", cause: "it is no size such as 20gb")
            }
            result.keepBytes = bytes
        }
        return result
    }

    func run() async throws {
        let filter = try ImagePrune.read(
            filter, all: all, keepStorage: keepStorage, now: Timestamp(nanosecondsSinceEpoch: wallClockNanoseconds()))
        let what =
            filter.all ? "all images without at least one container associated to them" : "all dangling images"
        guard try Pruning.isMeant(what, force: force) else { return }
        let result = try await AgentConnection.client().pruneImages(filter)
        Pruning.tell(result, "Images")
        Console.shared.out("Total reclaimed space: \(ContainerText.bytes(result.freedBytes))")
    }
}
