// Process steps: names, limits, terminal, identity, privileges, and the last step of all.
import CLinux

extension LaunchInterpreter {
    mutating func performProcessStep(_ step: LaunchStep) throws(SystemError) {
        switch step {
        case .hostname(let name):
            try systemCall("sethostname", name) { sethostname(name, name.utf8.count) }
        case .domainName(let name):
            try systemCall("setdomainname", name) { setdomainname(name, name.utf8.count) }
        case .sysctl(let name, let value):
            try writeSysctl(name, value)
        case .resourceLimit(let resource, let soft, let hard):
            var limit = rlimit(rlim_cur: rlim_t(soft), rlim_max: rlim_t(hard))
            try systemCall("setrlimit", "\(resource)") { clinux_setrlimit(resource, &limit) }
        case .oomScoreAdjustment(let value):
            try writeTrusted("self/oom_score_adj", "\(value)")
        case .newSession:
            // EPERM: the process leads a session already.
            if setsid() < 0 && lastErrno != EPERM { throw SystemError(call: "setsid", errno: lastErrno) }
        case .terminal(let rows, let columns, let console):
            try openTerminal(rows: rows, columns: columns, console: console)
        case .fileMask(let mask):
            umask(mask)
        case .workingDirectory(let path, let create):
            try enterDirectory(path, create: create)
        case .boundingSet(let set):
            try Privileges.dropBounding(keeping: set)
        case .user(let userID, let groupID, let groups):
            giveStreams(to: userID)
            try Privileges.change(userID: userID, groupID: groupID, groups: groups)
        case .capabilities(let set):
            try Privileges.set(capabilities: set)
        case .noNewPrivileges:
            try systemCall("prctl", "PR_SET_NO_NEW_PRIVS") { clinux_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }
        case .seccomp(let filter):
            try Privileges.load(filter: filter)
        case .becomeInit:
            try InitProcess.become(reportPipe: reportPipe)
        case .execute(let arguments, let environment):
            try execute(arguments, environment)
        default:
            throw SystemError(call: "launch", errno: ENOSYS, subject: step.stage)
        }
    }

    private mutating func writeSysctl(_ name: String, _ value: String) throws(SystemError) {
        let path = name.split(separator: ".", omittingEmptySubsequences: false).joined(separator: "/")
        try writeTrusted("sys/\(path)", value)
    }

    /// Writes a file of a procfs that is mounted nowhere: what the container has at /proc has no say in it.
    private mutating func writeTrusted(_ path: String, _ value: String) throws(SystemError) {
        if trustedProc == nil {
            trustedProc = try DetachedMount.make(
                "proc", options: [], attributes: [.noSetUserID, .noDevices, .noExecute])
        }
        guard let proc = trustedProc?.number else { return }
        let file = try Directory.open(inRootNumber: proc, path, flags: O_WRONLY | O_NOFOLLOW)
        let bytes = Array(value.utf8)
        try systemCall("write", path) { bytes.withUnsafeBytes { write(file.number, $0.baseAddress, $0.count) } }
    }

    /// A pair from the container's own devpts, verified by the file system's magic; nothing is looked up by name.
    private mutating func openTerminal(rows: UInt16, columns: UInt16, console: Bool) throws(SystemError) {
        let base = try rootNumber()
        let master = try Directory.open(inRootNumber: base, "/dev/pts/ptmx", flags: O_RDWR | O_NOCTTY)
        var kind = statfs()
        try systemCall("fstatfs", "/dev/pts/ptmx") { fstatfs(master.number, &kind) }
        guard kind.f_type == 0x1cd1 else { throw SystemError(call: "fstatfs", errno: ENOTTY, subject: "/dev/pts/ptmx") }
        var locked: Int32 = 0
        try systemCall("ioctl", "TIOCSPTLCK") { clinux_ioctl_pointer(master.number, UInt(CLINUX_TIOCSPTLCK), &locked) }
        let number = try systemCall("ioctl", "TIOCGPTPEER") {
            clinux_ioctl_int(master.number, UInt(CLINUX_TIOCGPTPEER), UInt(O_RDWR | O_NOCTTY | O_CLOEXEC))
        }
        let slave = Descriptor(owning: number)
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        if rows > 0 { clinux_ioctl_pointer(master.number, UInt(CLINUX_TIOCSWINSZ), &size) }
        if console {
            let place = try withRoot { root throws(SystemError) in
                let parent = try root.parent(of: "/dev/console")
                let made = clinux_openat(parent.number, "console", O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
                guard made >= 0 else { throw SystemError(call: "openat", errno: lastErrno, subject: "/dev/console") }
                return Descriptor(owning: made)
            }
            let cover = try DetachedMount.clone(of: slave.number, recursive: false)
            try DetachedMount.attach(cover.number, at: place.number, subject: "/dev/console")
        }
        try PacketSocket.send(terminalSocket, [1], descriptors: [master.number])
        hasTerminal = true
        _ = setsid()
        try systemCall("ioctl", "TIOCSCTTY") { clinux_ioctl_int(slave.number, UInt(CLINUX_TIOCSCTTY), 0) }
        for target in Int32(0)...2 { try systemCall("dup2") { dup2(slave.number, target) } }
    }

    /// Programs open `/dev/stdout` by its name, which asks for rights on the pipe behind it: as everywhere, it belongs
    /// to the container's user. Only pipes and a terminal that was made here are given away: the null device of a
    /// closed standard input is the host's.
    private func giveStreams(to userID: UInt32) {
        for number in Int32(0)...2 {
            var status = stat()
            guard fstat(number, &status) == 0, status.st_uid != userID else { continue }
            // Ignored: in a user namespace the pipe may be somebody's who is not known there.
            if FileKind(status) == .fifo || hasTerminal { _ = fchown(number, userID, gid_t.max) }
        }
    }

    private mutating func enterDirectory(_ path: String, create: Bool) throws(SystemError) {
        let base = try rootNumber()
        if create && !Directory.exists(inRootNumber: base, path) {
            let made = try Directory.makeDirectories(inRootNumber: rootNumber(), path)
            _ = made.number
        }
        let directory = try Directory.open(inRootNumber: try rootNumber(), path, flags: O_PATH | O_DIRECTORY)
        try systemCall("fchdir", path) { fchdir(directory.number) }
        // A directory outside the root has no path below it: the kernel says so, and we refuse to run there.
        var buffer = [CChar](repeating: 0, count: 4097)
        let length = syscall_getcwd(&buffer, 4097)
        guard length > 0, buffer[0] == CChar(UInt8(ascii: "/")) else {
            throw SystemError(call: "getcwd", errno: EPERM, subject: path)
        }
    }

    /// Never returns on success. PATH is searched as the container's user, as execvp does.
    func execute(_ arguments: [String], _ environment: [String]) throws(SystemError) {
        guard let name = arguments.first, !name.isEmpty else { throw SystemError(call: "execve", errno: ENOENT) }
        Process.closeOnExecute(from: 3 + preservedDescriptors)
        var blocked = sigset_t()
        sigemptyset(&blocked)
        sigprocmask(SIG_SETMASK, &blocked, nil)
        if name.contains("/") { throw Process.execute(name, arguments, environment) }
        let path = environment.first { $0.hasPrefix("PATH=") }.map { String($0.dropFirst(5)) } ?? ""
        var denied: SystemError?
        for directory in path.split(separator: ":", omittingEmptySubsequences: false) {
            let candidate = directory.isEmpty ? "./\(name)" : "\(directory)/\(name)"
            let error = Process.execute(candidate, arguments, environment)
            if error.errno == EACCES || error.errno == ENOEXEC { denied = error }
            if error.errno != ENOENT && error.errno != ENOTDIR && error.errno != EACCES && error.errno != ENOEXEC {
                throw error
            }
        }
        throw denied ?? SystemError(call: "execve", errno: ENOENT, subject: name)
    }
}
