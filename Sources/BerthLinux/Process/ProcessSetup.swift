// What a daemon does to itself when it starts, and how a program ends.
import CLinux

package enum ProcessSetup {
    /// A session of its own, the root directory, a plain file mask, no signal that a terminal sends.
    package static func becomeDaemon() {
        _ = setsid()
        _ = chdir("/")
        umask(0o022)
        for number in [SIGHUP, SIGINT, SIGPIPE] { clinux_ignore_signal(number) }
    }

    package static func ignoreBrokenPipes() { clinux_ignore_signal(SIGPIPE) }

    /// SIGKILL when the thread that started us ends; at once where it has ended already.
    package static func endWithParent() throws(SystemError) {
        let parent = getppid()
        try systemCall("prctl") { clinux_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0) }
        if getppid() != parent { exit(1) }
    }

    /// Children from now on are in a process namespace of their own: when the first of them ends, all have ended.
    package static func separateChildren() throws(SystemError) {
        try systemCall("unshare") { unshare(Int32(CLONE_NEWPID)) }
    }

    package static func setFileMask(_ mask: UInt32) { umask(mask) }

    package static func markCloseOnExecute(_ number: Int32) { _ = clinux_fcntl(number, F_SETFD, Int(FD_CLOEXEC)) }
}

package func exitProcess(_ code: Int32) -> Never { exit(code) }
