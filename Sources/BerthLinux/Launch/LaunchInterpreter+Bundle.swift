// The steps that bundles ask for beyond a stack's containers: mounts by slot, hooks, the meeting with the launcher.
import CLinux

extension LaunchInterpreter {
    mutating func performBundleStep(_ step: LaunchStep) throws(SystemError) {
        switch step {
        case .kernelFile(let path, let value):
            try FileIO.writeKernel(path, value)
        case .fileSystem(let type, let options, let attributes, let number):
            slots[number] = SharedDescriptor(
                try DetachedMount.make(type, options: options, attributes: MountAttributes(rawValue: attributes)))
        case .mountAttributes(let number, let set, let clear, let propagation, let recursive):
            try DetachedMount.setAttributes(
                try slot(number), set: MountAttributes(rawValue: set), clear: MountAttributes(rawValue: clear),
                propagation: propagation, recursive: recursive, subject: "\(number)")
        case .propagation(let target, let flags, let recursive):
            let place = try Directory.open(inRootNumber: try rootNumber(), target, flags: O_PATH)
            try DetachedMount.setAttributes(
                place.number, set: [], propagation: flags, recursive: recursive, subject: target)
        case .copyUp(let target, let number):
            try copyUp(target, try slot(number))
        case .rendezvous(let number):
            try meet(try slot(number))
        case .hook(let path, let arguments, let environment, let seconds, let created):
            let state = created ? hookStates.created : hookStates.creating
            try HookProgram.run(path, arguments, environment, input: state, timeoutSeconds: seconds)
        case .awaitStart(let number):
            try awaitStart(try slot(number))
        case .moveRoot:
            try moveRoot()
        default:
            try performPrivilegeStep(step)
        }
    }

    private func performPrivilegeStep(_ step: LaunchStep) throws(SystemError) {
        switch step {
        case .lookUp(let arguments, let environment):
            try LaunchInterpreter.lookUp(arguments, environment)
        case .personality(let value):
            try systemCall("personality") { CLinux.personality(UInt(value)) }
        case .ioPriority(let value):
            try systemCall("ioprio_set") { clinux_ioprio_set(1, 0, value) }
        case .keepCapabilities:
            try Privileges.keepAcrossUsers()
        case .capabilitySets(let effective, let permitted, let inheritable, let ambient):
            try Privileges.set(
                effective: effective, permitted: permitted, inheritable: inheritable, ambient: ambient)
        case .filter(let bytes, let flags):
            try Privileges.load(filter: bytes, flags: flags)
        default:
            throw SystemError(call: "launch", errno: ENOSYS, subject: step.stage)
        }
    }

    private mutating func copyUp(_ target: String, _ mount: Int32) throws(SystemError) {
        let base = try rootNumber()
        guard Directory.exists(inRootNumber: base, target) else { return }
        let source = try Directory.open(inRootNumber: base, target, flags: O_RDONLY | O_DIRECTORY)
        let copy = try Directory.open(inRootNumber: mount, "/", flags: O_RDONLY | O_DIRECTORY)
        try FileCopy.directory(from: source.number, to: copy.number)
    }

    /// The launcher does meanwhile what only it can: identity maps, groups, hooks of the host. It answers with the
    /// state that the container's own hooks are given. When it has died, so do we.
    private mutating func meet(_ socket: Int32) throws(SystemError) {
        try PacketSocket.send(socket, [1])
        let packet = try PacketSocket.receive(socket)
        var reader = WireReader(packet.payload)
        guard let creating = try? reader.data(), let created = try? reader.data() else {
            throw SystemError(call: "recvmsg", errno: ECANCELED, subject: "the launcher has gone")
        }
        hookStates = (creating, created)
    }

    /// The fifo is held open both ways, so reading waits for a writer however often writers come and go.
    private mutating func awaitStart(_ fifo: Int32) throws(SystemError) {
        if reportPipe >= 0 {
            _ = CLinux.close(reportPipe)
            reportPipe = -1
        }
        // Whoever waits for the end of a pipe that the launcher was given must not wait for us: only the fifo is
        // needed from here on, and what the program is to be given.
        Process.closeAll(except: (0..<Int32(preservedDescriptors)).map { 3 + $0 } + [fifo])
        var byte = [UInt8](repeating: 0, count: 1)
        guard try FileIO.readSome(fifo, &byte) == 1 else {
            throw SystemError(call: "read", errno: EPIPE, subject: "the start fifo")
        }
    }

    private mutating func moveRoot() throws(SystemError) {
        let base = try rootNumber()
        try systemCall("fchdir", "root") { fchdir(base) }
        try systemCall("mount", "/") { CLinux.mount(".", "/", nil, UInt(MS_MOVE), nil) }
        try systemCall("chroot") { chroot(".") }
        try systemCall("chdir") { chdir("/") }
    }

    /// What `execvp` would find, asked before the launch is called good.
    private static func lookUp(_ arguments: [String], _ environment: [String]) throws(SystemError) {
        guard let name = arguments.first, !name.isEmpty else { throw SystemError(call: "execve", errno: ENOENT) }
        if name.contains("/") { return try check(name) }
        let path = environment.last { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) } ?? ""
        var failure = SystemError(call: "execve", errno: ENOENT, subject: name)
        for directory in path.split(separator: ":", omittingEmptySubsequences: false) {
            do throws(SystemError) {
                return try check(directory.isEmpty ? "./\(name)" : "\(directory)/\(name)")
            } catch {
                if error.errno == EACCES { failure = error }
            }
        }
        throw failure
    }

    private static func check(_ path: String) throws(SystemError) {
        var status = stat()
        try systemCall("stat", path) { stat(path, &status) }
        if FileKind(status) == .directory { throw SystemError(call: "execve", errno: EISDIR, subject: path) }
        try systemCall("faccessat", path) { faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) }
    }
}
