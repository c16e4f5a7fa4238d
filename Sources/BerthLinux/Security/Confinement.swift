// Giving rights up, for a process that is about to read hostile bytes.
import CLinux

package enum Confinement {
    /// CHOWN, DAC_OVERRIDE, FOWNER, FSETID, MKNOD, SETFCAP, and SYS_ADMIN for the overlay's own attributes.
    private static let unpackingSet: UInt64 = 1 << 0 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 21 | 1 << 27 | 1 << 31

    private static let memoryBytesMax: rlim_t = 1 << 30

    /// For a process that talks to strangers: a file system of what it needs, no capability at all, no new privileges.
    ///
    /// Without capabilities root is still the owner of root's files; a root of its own keeps those out of reach.
    package static func forFetching(readable: [String] = [], writable: [String] = []) throws(SystemError) {
        try NarrowRoot.enter(readable: readable, writable: writable)
        try systemCall("prctl") { clinux_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }
        var core = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = clinux_setrlimit(4, &core)
        var memory = rlimit(rlim_cur: memoryBytesMax, rlim_max: memoryBytesMax)
        _ = clinux_setrlimit(2, &memory)
        try Privileges.dropBounding(keeping: 0)
        try Privileges.set(capabilities: 0)
        umask(0o077)
    }

    /// For a process that strangers talk to over sockets that it has: as for fetching, and no network to begin anything
    /// in. A socket that listens belongs to the network that it was made in.
    package static func forServing(readable: [String], writable: [String]) throws(SystemError) {
        try systemCall("unshare") { unshare(Int32(CLONE_NEWNET) | Int32(CLONE_NEWIPC)) }
        try forFetching(readable: readable, writable: writable)
    }

    /// An empty network, no new privileges, and no capability beyond what writing a tree takes.
    package static func forUnpacking() throws(SystemError) {
        try systemCall("unshare") { unshare(Int32(CLONE_NEWNET) | Int32(CLONE_NEWIPC)) }
        try systemCall("prctl") { clinux_prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }
        // No core of a process that held hostile bytes; no more memory than the largest honest decompressor takes.
        var core = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = clinux_setrlimit(4, &core)
        var memory = rlimit(rlim_cur: memoryBytesMax, rlim_max: memoryBytesMax)
        _ = clinux_setrlimit(2, &memory)
        let set = unpackingSet & Privileges.boundingSet
        try Privileges.dropBounding(keeping: set)
        try Privileges.set(capabilities: set)
        umask(0)
    }
}
