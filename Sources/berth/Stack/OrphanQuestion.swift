// Orphans of a stack that was started from another directory may well be somebody's: a person is asked first.
import BerthControl
import BerthLinux
import BerthModel

enum OrphanQuestion {
    /// Asks on a terminal; scripts go on, as with docker compose.
    static func ask(_ stack: Stack, _ client: ControlClient) async throws {
        guard Terminal.isTerminal(0), Console.shared.errorIsTerminal else { return }
        let foreign = try await client.containers(ContainerFilter(stack: stack.name)).map(\.record).filter { record in
            let directory = record.labels[ComposeLabel.workingDirectory]
            return stack.services[record.slot.service] == nil && stack.inactiveServices[record.slot.service] == nil
                && directory != nil && directory != stack.workingDirectory
        }
        guard let directory = foreign.first?.labels[ComposeLabel.workingDirectory] else { return }
        Console.shared.errorRaw(
            "\(foreign.map { Console.safe($0.name) }.sorted().joined(separator: ", ")): started from \(Console.safe(directory)). Remove? [y/N] "
        )
        let answer = readLine(strippingNewline: true)?.lowercased() ?? ""
        guard ["y", "yes"].contains(answer) else {
            throw BerthError(
                .cancelled, "removing orphans of \(stack.name)", cause: "not confirmed",
                hint: "say -y to remove them without a question")
        }
    }
}
