// Identity and privileges by raw calls: nothing here looks anything up.
import CLinux

package enum Privileges {
    /// The highest capability this kernel knows, probed once by asking.
    package static let lastCapability: Int = {
        var number = 40
        while clinux_prctl(PR_CAPBSET_READ, UInt(number + 1), 0, 0, 0) >= 0 && number < 62 { number += 1 }
        while number > 0 && clinux_prctl(PR_CAPBSET_READ, UInt(number), 0, 0, 0) < 0 { number -= 1 }
        return number
    }()

    /// Our own bounding set, as bits.
    package static var boundingSet: UInt64 {
        var set: UInt64 = 0
        for number in 0...lastCapability where clinux_prctl(PR_CAPBSET_READ, UInt(number), 0, 0, 0) == 1 {
            set |= 1 << UInt64(number)
        }
        return set
    }

    static func dropBounding(keeping set: UInt64) throws(SystemError) {
        for number in 0...lastCapability where set & (1 << UInt64(number)) == 0 {
            if clinux_prctl(PR_CAPBSET_READ, UInt(number), 0, 0, 0) != 1 { continue }
            try systemCall("prctl", "PR_CAPBSET_DROP \(number)") {
                clinux_prctl(PR_CAPBSET_DROP, UInt(number), 0, 0, 0)
            }
        }
    }

    /// Permitted and effective become `set`; inheritable and ambient empty.
    package static func set(capabilities set: UInt64) throws(SystemError) {
        _ = clinux_prctl(PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_CLEAR_ALL), 0, 0, 0)
        var header = __user_cap_header_struct(version: UInt32(_LINUX_CAPABILITY_VERSION_3), pid: 0)
        let low = UInt32(truncatingIfNeeded: set)
        let high = UInt32(truncatingIfNeeded: set >> 32)
        var sets = [
            __user_cap_data_struct(effective: low, permitted: low, inheritable: 0),
            __user_cap_data_struct(effective: high, permitted: high, inheritable: 0),
        ]
        try systemCall("capset") { clinux_capset(&header, &sets) }
    }

    static func keepAcrossUsers() throws(SystemError) {
        try systemCall("prctl", "PR_SET_KEEPCAPS") { clinux_prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) }
    }

    /// All four sets of a process; what the bounding set or the permitted set lacks cannot be in the others.
    static func set(effective: UInt64, permitted: UInt64, inheritable: UInt64, ambient: UInt64) throws(SystemError) {
        _ = clinux_prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0)
        _ = clinux_prctl(PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_CLEAR_ALL), 0, 0, 0)
        var header = __user_cap_header_struct(version: UInt32(_LINUX_CAPABILITY_VERSION_3), pid: 0)
        var sets = [UInt64(0), 32].map { shift in
            __user_cap_data_struct(
                effective: UInt32(truncatingIfNeeded: effective >> shift),
                permitted: UInt32(truncatingIfNeeded: permitted >> shift),
                inheritable: UInt32(truncatingIfNeeded: inheritable >> shift))
        }
        try systemCall("capset") { clinux_capset(&header, &sets) }
        for number in 0...lastCapability where ambient & (1 << UInt64(number)) != 0 {
            // Ignored: one that is not permitted and inheritable cannot be ambient, which other runtimes warn of only.
            _ = clinux_prctl(PR_CAP_AMBIENT, UInt(PR_CAP_AMBIENT_RAISE), UInt(number), 0, 0)
        }
    }

    /// setgroups always, then gid, then uid. From root to another user, the kernel clears the sets.
    package static func change(userID: UInt32, groupID: UInt32, groups: [UInt32]) throws(SystemError) {
        try systemCall("setgroups") { clinux_setgroups(groups.count, groups) }
        try systemCall("setresgid", "\(groupID)") { clinux_setresgid(groupID, groupID, groupID) }
        try systemCall("setresuid", "\(userID)") { clinux_setresuid(userID, userID, userID) }
    }

    /// Loads a classic BPF filter for all system calls of this thread from now on.
    package static func load(filter bytes: [UInt8], flags: UInt32 = 0) throws(SystemError) {
        let size = MemoryLayout<sock_filter>.size
        guard bytes.count % size == 0, !bytes.isEmpty, bytes.count / size <= 4096 else {
            throw SystemError(call: "seccomp", errno: EINVAL, subject: "\(bytes.count) bytes")
        }
        var instructions = [sock_filter](repeating: sock_filter(), count: bytes.count / size)
        instructions.withUnsafeMutableBytes { $0.copyBytes(from: bytes) }
        let count = UInt16(instructions.count)
        let result = instructions.withUnsafeMutableBufferPointer { buffer -> Int32 in
            var program = sock_fprog(len: count, filter: buffer.baseAddress)
            return clinux_seccomp(UInt32(SECCOMP_SET_MODE_FILTER), flags, &program)
        }
        if result != 0 { throw SystemError(call: "seccomp", errno: lastErrno) }
    }

    /// Other processes of this user may not read our memory or descriptors from here on.
    package static func hideProcess() {
        _ = clinux_prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    }
}
