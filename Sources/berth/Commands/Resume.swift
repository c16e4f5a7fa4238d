// `resume` and `suspend`: stacks across a shutdown and a boot, for the service manager or a line in a boot script.
import ArgumentParser
import BerthControl
import BerthLinux
import BerthModel

struct Resume: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Bring back, after a boot, what its restart policy says should run",
        discussion: """
            The package's systemd unit runs this at boot. Without systemd, run it from a boot script:
              @reboot root berth resume        (in /etc/cron.d/berth)
            """)

    func run() async throws {
        let report = try await AgentConnection.client().resume()
        for stack in report.stacks {
            if let error = stack.error {
                Console.shared.fail(error)
            } else {
                Console.shared.out("\(stack.name): \(stack.services.joined(separator: ", "))")
            }
        }
        if report.stacks.contains(where: { $0.error != nil }) { throw ExitCode(1) }
    }
}

struct Suspend: AsyncParsableCommand {
    static let configuration = subcommand(
        abstract: "Stop everything for a shutdown; `resume` brings it back",
        discussion: """
            Each stack stops in its order and with its own signals, as `stop` does, but counts as running for restart
            policies. The package's systemd unit runs this at shutdown.
            """)

    func run() async throws { try await AgentConnection.client().suspend() }
}

/// Who starts stacks at boot.
enum BootStart {
    static let unitPlaces = ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"]

    static var hasUnit: Bool { unitPlaces.contains { (try? FileStatus.of("\($0)/berth.service")) != nil } }

    /// Said once for each state directory: nothing on this host will bring stacks back.
    static func warnOnce(_ stack: Stack) {
        let hasPolicy = stack.services.values.contains { $0.restart != .no }
        let marker = "\(GlobalOptions.current.dataRoot)/boot-warned"
        let exists = { (path: String) in (try? FileStatus.of(path)) != nil }
        guard hasPolicy, GlobalOptions.current.dataRoot == GlobalOptions.defaultDataRoot, !exists(marker),
            !hasUnit
        else { return }
        Console.shared.warn(
            "restart policies will not survive a reboot: nothing on this host runs `berth resume` at boot "
                + "(the package's berth.service does; so can a boot script)")
        // Ignored: then it is said again.
        try? FileIO.replace(marker, [], durable: false)
    }
}
