// PID 1 of a container that asked for an init: reaps everything, forwards signals, ends as its one child ends.
import CLinux

package enum InitProcess {
    /// Returns in the child, which goes on to become the user's program. The calling process never returns.
    static func become(reportPipe: Int32) throws(SystemError) {
        var everything = sigset_t()
        sigfillset(&everything)
        var before = sigset_t()
        sigprocmask(SIG_SETMASK, &everything, &before)
        let child = try systemCall("fork") { fork() }
        if child == 0 {
            sigprocmask(SIG_SETMASK, &before, nil)
            // A process group of its own, in the foreground where there is a terminal (tini does the same).
            setpgid(0, 0)
            if isatty(0) == 1 {
                clinux_ignore_signal(SIGTTOU)
                tcsetpgrp(0, getpgrp())
                clinux_default_signal(SIGTTOU)
            }
            return
        }
        // Only the child reports; this end must not keep the pipe open.
        _ = clinux_close_range(3, UInt32.max, 0)
        _exit(superviseUntilEnd(of: child, everything))
    }

    /// Signals that say something about this process itself are not forwarded.
    private static let ownSignals: Set<Int32> = [
        SIGCHLD, SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS, SIGTTIN, SIGTTOU,
    ]

    private static func superviseUntilEnd(of child: Int32, _ set: sigset_t) -> Int32 {
        var signals = set
        while true {
            let number = sigwaitinfo(&signals, nil)
            if number < 0 { continue }
            if number != SIGCHLD {
                if !ownSignals.contains(number) { kill(child, number) }
                continue
            }
            var status: Int32 = 0
            while true {
                let ended = waitpid(-1, &status, WNOHANG)
                if ended <= 0 { break }
                if ended == child { return Process.exitCode(status) }
            }
        }
    }
}
