// Starts the agent: by itself in its session, with the lock, logging to its file.
import BerthLinux
import BerthModel
import Logging

guard let arguments = AgentArguments(CommandLine.arguments) else {
    FileLog.complain(
        "usage: berth-agent --data-dir DIR --run-dir DIR [--lock-fd N] [--ready-fd N] [--cgroup-parent GROUP]")
    exitProcess(2)
}
ProcessSetup.becomeDaemon()

do {
    try Directory.make(arguments.dataRoot)
    try Directory.make(arguments.runRoot)
    let layout = StateLayout(dataRoot: arguments.dataRoot, runRoot: arguments.runRoot, world: "")
    LoggingSystem.bootstrap { FileLog(label: $0, path: layout.agentLog) }
    let logger = Logger(label: "berth.agent")
    // Held for the life of the process; the kernel releases it with us, however we end.
    let activation = Activation.socket()
    let isActivated = activation != nil
    let lock: FileLock
    if let number = arguments.lockDescriptor {
        lock = FileLock(adopting: Descriptor(owning: number))
    } else if let taken = try FileLock.tryTake(layout.agentLock) {
        lock = taken
    } else if isActivated {
        // One that a command had started before the service manager took over.
        lock = try Activation.takeOver(layout)
    } else {
        // Another agent is there or about to be: whoever started us connects to it.
        exitProcess(3)
    }
    ProcessSetup.markCloseOnExecute(lock.descriptor.number)
    let agent = try Agent(arguments, isActivated: isActivated, logger: logger)
    try await agent.run(ready: arguments.readyDescriptor, activation: activation)
    await Forever.sleep()
    withExtendedLifetime(agent) {}
    _ = lock.descriptor.number
} catch {
    FileLog.complain("berth-agent: \(error)")
    exitProcess(1)
}

enum Forever {
    static func sleep() async {
        let (never, continuation) = AsyncStream<Void>.makeStream()
        for await _ in never {}
        continuation.finish()
    }
}
