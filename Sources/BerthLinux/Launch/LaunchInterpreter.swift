// Runs launch steps, one after the other, deciding nothing. Single-threaded; errors carry the step's stage.
import CLinux

/// A step that failed, in a form that crosses a pipe.
package struct LaunchFailure: Error, Equatable, Sendable {
    package var stage: String
    package var errno: Int32
    /// The root was ready and the program itself could not be executed (exit codes 126 and 127).
    package var executing: Bool

    package init(stage: String, errno: Int32, executing: Bool = false) {
        self.stage = stage
        self.errno = errno
        self.executing = executing
    }
}

package struct LaunchInterpreter: ~Copyable {
    /// The program's numbered descriptors: passed in, or opened by prepare steps.
    package var slots: [Int: SharedDescriptor]
    /// Where a terminal's master is sent (a packet socket); -1: no terminal is asked for.
    package var terminalSocket: Int32 = -1
    /// 0–2 are a terminal of the container's own.
    var hasTerminal = false
    /// The pipe that says how the launch went; closed by a successful execve.
    package var reportPipe: Int32 = -1
    var root: LaunchRoot?
    var attachedRoot: Descriptor?
    /// A procfs of our own, for writes that must not be redirected by what the container mounted.
    var trustedProc: Descriptor?
    /// The host's, opened before anything of the container's is in sight: what files are masked with.
    var nullDevice: Descriptor?

    /// Descriptors from 3 on that the program is given beside its standard streams.
    package var preservedDescriptors: UInt32 = 0
    /// The state of the container for hooks, as the launcher told it: while creating, and created.
    var hookStates: (creating: [UInt8], created: [UInt8]) = ([], [])

    package init(slots: [Int: SharedDescriptor]) {
        self.slots = slots
        root = nil
        attachedRoot = nil
        trustedProc = nil
        nullDevice = nil
    }

    /// Runs the steps until the last or the first failure that is not ignored.
    package mutating func run(_ steps: [LaunchProgram.Child]) throws(LaunchFailure) {
        for item in steps {
            do throws(SystemError) {
                try perform(item.step)
            } catch {
                if item.ignoring.contains(error.errno) { continue }
                if case .execute = item.step {
                    throw LaunchFailure(stage: item.step.stage, errno: error.errno, executing: true)
                }
                // A directory that cannot be entered is the user's mistake as much as a missing program.
                throw LaunchFailure(stage: item.step.stage, errno: error.errno)
            }
        }
    }

    private mutating func perform(_ step: LaunchStep) throws(SystemError) {
        switch step {
        case .openTree, .enterProcessNamespace, .joinTasks, .enterNamespace, .unshare, .isolateMounts, .attachRoot,
            .pivot:
            try performNamespaceStep(step)
        case .mount, .attach, .makeDirectory, .makeFile, .makeNode, .symlink, .mask, .readOnly, .readOnlyRoot,
            .setAttributes:
            try performFileSystemStep(step)
        case .hostname, .domainName, .sysctl, .resourceLimit, .oomScoreAdjustment, .newSession, .terminal, .fileMask,
            .workingDirectory, .boundingSet, .user, .capabilities, .noNewPrivileges, .seccomp, .becomeInit, .execute:
            try performProcessStep(step)
        default:
            try performBundleStep(step)
        }
    }

    func slot(_ number: Int) throws(SystemError) -> Int32 {
        guard let descriptor = slots[number] else {
            throw SystemError(call: "slot", errno: ENOENT, subject: "\(number)")
        }
        return descriptor.number
    }

    /// The number of the root's descriptor; before `attachRoot`, the process's own root.
    mutating func rootNumber() throws(SystemError) -> Int32 {
        if root == nil { root = LaunchRoot(base: try Directory.open("/", flags: O_PATH | O_DIRECTORY)) }
        guard let number = root?.base.number else { throw SystemError(call: "open", errno: ENOENT, subject: "/") }
        return number
    }

    private mutating func performNamespaceStep(_ step: LaunchStep) throws(SystemError) {
        switch step {
        case .openTree(let path, let slot, let recursive):
            slots[slot] = SharedDescriptor(try DetachedMount.clone(path, recursive: recursive))
        case .enterProcessNamespace(let number):
            let descriptor = try slot(number)
            try systemCall("setns") { setns(descriptor, Int32(CLONE_NEWPID)) }
        case .joinTasks(let path):
            try FileIO.writeKernel(path, "0")
        case .enterNamespace(let number):
            let descriptor = try slot(number)
            try systemCall("setns") { setns(descriptor, 0) }
        case .unshare(let flags):
            try systemCall("unshare") { CLinux.unshare(flags) }
        case .isolateMounts(let slave):
            let flags = UInt(MS_REC) | (slave ? UInt(MS_SLAVE) : UInt(MS_PRIVATE))
            try systemCall("mount", "/") { CLinux.mount("none", "/", nil, flags, nil) }
        case .attachRoot(let number, let staging):
            let mount = try slot(number)
            let place = try Directory.open(staging, flags: O_PATH | O_DIRECTORY)
            try DetachedMount.attach(mount, at: place.number, subject: staging)
            root = LaunchRoot(base: try Directory.open(staging, flags: O_RDONLY | O_DIRECTORY))
            nullDevice = try Directory.open("/dev/null", flags: O_PATH | O_NOFOLLOW)
            let base = try rootNumber()
            try systemCall("fchdir", staging) { fchdir(base) }
        default:
            // pivot_root(".", "."): the old root is stacked on the new one and taken away; no name is ever used.
            let base = try rootNumber()
            try systemCall("fchdir", "root") { fchdir(base) }
            try systemCall("pivot_root") { clinux_pivot_root(".", ".") }
            try systemCall("umount2") { umount2(".", Int32(MNT_DETACH)) }
            try systemCall("chdir") { chdir("/") }
        }
    }
}
