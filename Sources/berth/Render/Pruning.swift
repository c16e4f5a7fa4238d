// Pruning: asking first, and telling what went.
import BerthLinux
import BerthModel

/// The question before something is removed that was not named, and what was removed in the end.
enum Pruning {
    static func isMeant(_ what: String, force: Bool) throws -> Bool {
        if force { return true }
        guard Terminal.isTerminal(0) else {
            throw BerthError(
                .invalid, "removing \(what)", cause: "standard input is no terminal", hint: "say --force")
        }
        Console.shared.errorRaw("WARNING! This will remove \(what).\nAre you sure you want to continue? [y/N] ")
        return ["y", "yes"].contains((readLine() ?? "").lowercased())
    }

    static func tell(_ result: PruneResult, _ kind: String) {
        if result.lines.isEmpty { return }
        Console.shared.out("Deleted \(kind):")
        for line in result.lines { Console.shared.out(Console.safe(line)) }
        Console.shared.out("")
    }
}
