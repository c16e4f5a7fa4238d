// A program that runs to its end with an input and a time limit: the hooks of a container.
import CLinux

package enum HookProgram {
    /// ETIMEDOUT after the limit (0: none), when it is killed; ECANCELED where it ended with another code than 0.
    package static func run(
        _ path: String, _ arguments: [String], _ environment: [String], input: [UInt8], timeoutSeconds: Int
    ) throws(SystemError) {
        let file = try FileIO.sealedMemory("state", input)
        let processID = try Process.spawn(
            path, arguments.isEmpty ? [path] : arguments, environment: environment, descriptors: [file.number, 1, 2])
        let descriptor = try Process.open(processID)
        var waiting = pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
        let ready = try systemCall("poll") { poll(&waiting, 1, timeoutSeconds > 0 ? Int32(timeoutSeconds) * 1000 : -1) }
        if ready == 0 { try Process.signal(descriptor.number, SIGKILL) }
        let code = try Process.wait(processID)
        if ready == 0 { throw SystemError(call: "hook", errno: ETIMEDOUT, subject: path) }
        if code != 0 { throw SystemError(call: "hook", errno: ECANCELED, subject: "\(path): exit status \(code)") }
    }
}
