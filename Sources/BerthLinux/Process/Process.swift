// Processes: cloning (single-threaded callers only), executing, spawning, signalling by descriptor.
import CLinux

package enum Process {
    /// Clones the calling, single-threaded process. 0 in the clone; the process id in the caller.
    package static func clone(flags: UInt64, cgroup: Int32 = -1) throws(SystemError) -> Int32 {
        var pidDescriptor: Int32 = -1
        let all = flags | (cgroup >= 0 ? UInt64(CLONE_INTO_CGROUP) : 0)
        let result = try systemCall("clone3") { clinux_clone3(all, &pidDescriptor, cgroup) }
        return Int32(result)
    }

    /// Marks every descriptor from a number on close-on-exec.
    package static func closeOnExecute(from first: UInt32) {
        _ = clinux_close_range(first, UInt32.max, UInt32(CLOSE_RANGE_CLOEXEC))
    }

    /// Closes every descriptor but 0, 1, 2 and the given ones.
    package static func closeAll(except kept: [Int32]) {
        var first: UInt32 = 3
        for number in Set(kept).sorted() where number >= 3 {
            if UInt32(number) > first { _ = clinux_close_range(first, UInt32(number) - 1, 0) }
            first = UInt32(number) + 1
        }
        _ = clinux_close_range(first, UInt32.max, 0)
    }

    /// Executes; returns only with the error.
    package static func execute(_ path: String, _ arguments: [String], _ environment: [String]) -> SystemError {
        withStringVectors(arguments, environment) { argv, envp in
            _ = execve(path, argv, envp)
            return SystemError(call: "execve", errno: lastErrno, subject: path)
        }
    }

    static func withStringVectors<Result>(
        _ first: [String], _ second: [String],
        _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>, UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>)
            -> Result
    ) -> Result {
        var a: [UnsafeMutablePointer<CChar>?] = first.map { strdup($0) } + [nil]
        var b: [UnsafeMutablePointer<CChar>?] = second.map { strdup($0) } + [nil]
        defer { for pointer in a + b { free(pointer) } }
        return a.withUnsafeMutableBufferPointer { aBuffer in
            b.withUnsafeMutableBufferPointer { bBuffer in
                guard let argv = aBuffer.baseAddress, let envp = bBuffer.baseAddress else {
                    preconditionFailure("a vector with its terminator is never empty")
                }
                return body(argv, envp)
            }
        }
    }

    /// Starts a program from any process, threads or not. Only the given descriptors are passed, as 0, 1, 2, …; signals
    /// are default and unblocked.
    ///
    /// - Parameters:
    ///   - path: the program; `/proc/self/fd/N` runs an open file.
    ///   - descriptors: what the program sees as 0, 1, 2, ….
    ///   - newSession: detached from the caller's terminal and process group.
    package static func spawn(
        _ path: String, _ arguments: [String], environment: [String] = [], descriptors: [Int32],
        newSession: Bool = false
    ) throws(SystemError) -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // First out of the way of the targets, then into place: dup2 onto itself would keep close-on-exec.
        let base: Int32 = 900
        for (index, number) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, number, base + Int32(index))
        }
        for index in 0..<descriptors.count {
            posix_spawn_file_actions_adddup2(&actions, base + Int32(index), Int32(index))
        }
        for index in 0..<descriptors.count { posix_spawn_file_actions_addclose(&actions, base + Int32(index)) }
        posix_spawn_file_actions_addclosefrom_np(&actions, Int32(descriptors.count))
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let flags =
            Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)
            | (newSession ? Int32(POSIX_SPAWN_SETSID) : 0)
        posix_spawnattr_setflags(&attributes, Int16(flags))
        var processID: pid_t = 0
        let code = withStringVectors(arguments, environment) { argv, envp in
            posix_spawn(&processID, path, &actions, &attributes, argv, envp)
        }
        if code != 0 { throw SystemError(call: "posix_spawn", errno: code, subject: path) }
        return processID
    }

    /// Waits for a child; its exit code, 128 + signal where one ended it.
    package static func wait(_ processID: Int32) throws(SystemError) -> Int32 {
        var status: Int32 = 0
        try systemCall("waitpid") { waitpid(processID, &status, 0) }
        return exitCode(status)
    }

    package static func exitCode(_ status: Int32) -> Int32 {
        clinux_wifexited(status) != 0 ? clinux_wexitstatus(status) : 128 + clinux_wtermsig(status)
    }

    package static func open(_ processID: Int32) throws(SystemError) -> Descriptor {
        Descriptor(owning: try systemCall("pidfd_open", "\(processID)") { clinux_pidfd_open(processID, 0) })
    }

    package static func signal(_ pidDescriptor: Int32, _ number: Int32) throws(SystemError) {
        try systemCall("pidfd_send_signal", "\(number)") { clinux_pidfd_send_signal(pidDescriptor, number) }
    }

    package static var ownID: Int32 { getpid() }
    package static var effectiveUserID: UInt32 { geteuid() }
    package static var effectiveGroupID: UInt32 { getegid() }

    /// A pipe; both ends close-on-exec.
    package static func pipe() throws(SystemError) -> (read: SharedDescriptor, write: SharedDescriptor) {
        var numbers: [Int32] = [-1, -1]
        try systemCall("pipe2") { pipe2(&numbers, O_CLOEXEC) }
        return (SharedDescriptor(Descriptor(owning: numbers[0])), SharedDescriptor(Descriptor(owning: numbers[1])))
    }
}

/// The time of day, nanoseconds since the epoch.
package func wallClockNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Time since boot, nanoseconds, never set back.
package func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// Random bytes from the kernel.
package func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
}
