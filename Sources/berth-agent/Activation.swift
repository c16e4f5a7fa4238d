// Started by a service manager that listens for us (the protocol of sd_listen_fds): one socket, number 3.
import BerthLinux
import BerthModel
import FoundationEssentials

enum Activation {
    private static let firstDescriptor: Int32 = 3

    /// The listening socket, if there is one for this very process.
    static func socket() -> Descriptor? {
        guard EnvironmentVariables.value("LISTEN_PID") == "\(Process.ownID)",
            EnvironmentVariables.value("LISTEN_FDS") == "1"
        else { return nil }
        ProcessSetup.markCloseOnExecute(firstDescriptor)
        return Descriptor(owning: firstDescriptor)
    }

    /// Ends the agent that holds the lock, which costs no container anything, and waits for the lock.
    static func takeOver(_ layout: StateLayout) throws -> FileLock {
        if let bytes = try? FileIO.read(layout.agentRecord),
            let record = try? JSONDecoder().decode(AgentRecord.self, from: Data(bytes)),
            let process = try? Process.open(record.processID)
        {
            // Ignored: it has ended meanwhile.
            try? Process.signal(process.number, Signal.kill)
        }
        return try FileLock.take(layout.agentLock)
    }
}
