// Overlays of layers, as detached mounts. Kernels before 6.7 want all lower directories in one short option.
import CLinux

extension DetachedMount {
    /// The longest value of an option that the kernel takes.
    static let optionBytesMax = 255

    /// An overlay of read-only lower directories (uppermost first) and a writable upper one.
    package static func overlay(lowers: [String], upper: String, work: String) throws(SystemError) -> Descriptor {
        try overlay(lowers: lowers, writable: (upper, work))
    }

    /// Several lower directories (uppermost first) as one read-only tree.
    package static func overlay(lowers: [String]) throws(SystemError) -> Descriptor {
        try overlay(lowers: lowers, writable: nil)
    }

    private static func overlay(
        lowers: [String], writable: (upper: String, work: String)?
    ) throws(SystemError) -> Descriptor {
        do throws(SystemError) {
            return try oneByOne(lowers, writable)
        } catch {
            // Kernels from 6.5 refuse the option that they do not know; older ones take any and refuse the mount.
            guard error.errno == EINVAL else { throw error }
            return try allInOne(lowers, writable)
        }
    }

    private static func oneByOne(
        _ lowers: [String], _ writable: (upper: String, work: String)?
    ) throws(SystemError) -> Descriptor {
        let context = try overlayContext()
        for lower in lowers { try configure(context, "lowerdir+", lower) }
        return try finish(context, writable)
    }

    /// Every directory is named by the number of a descriptor, seen from `/proc/self/fd`: names are short, and none has
    /// a colon or comma. The thread that stands there is one of its own: nobody else's working directory changes.
    static func allInOne(
        _ lowers: [String], _ writable: (upper: String, work: String)?
    ) throws(SystemError) -> Descriptor {
        var opened: [SharedDescriptor] = []
        for lower in lowers {
            opened.append(SharedDescriptor(try Directory.open(lower, flags: O_PATH | O_DIRECTORY)))
        }
        let value = opened.map { "\($0.number)" }.joined(separator: ":")
        guard value.utf8.count <= optionBytesMax else {
            throw SystemError(
                call: "fsconfig", errno: E2BIG,
                subject: "\(lowers.count) layers, more than this kernel stacks (6.7 can)")
        }
        let mount = try JoinedThread.run { [opened] () throws(SystemError) -> SharedDescriptor in
            try systemCall("unshare", "CLONE_FS") { unshare(Int32(CLONE_FS)) }
            try systemCall("chdir", "/proc/self/fd") { chdir("/proc/self/fd") }
            let context = try overlayContext()
            try configure(context, "lowerdir", value)
            let mount = try finish(context, writable)
            withExtendedLifetime(opened) {}
            return SharedDescriptor(mount)
        }
        return try mount.duplicate()
    }

    private static func overlayContext() throws(SystemError) -> Descriptor {
        Descriptor(owning: try systemCall("fsopen", "overlay") { fsopen("overlay", UInt32(FSOPEN_CLOEXEC)) })
    }

    private static func finish(
        _ context: borrowing Descriptor, _ writable: (upper: String, work: String)?
    ) throws(SystemError) -> Descriptor {
        // Whatever the kernel's own defaults are: no attribute of a layer leads to content of another directory.
        for (key, value) in [("redirect_dir", "nofollow"), ("metacopy", "off")] { try configure(context, key, value) }
        if let writable {
            try configure(context, "upperdir", writable.upper)
            try configure(context, "workdir", writable.work)
        }
        let number = context.number
        try systemCall("fsconfig", "overlay") { fsconfig(number, FSCONFIG_CMD_CREATE.rawValue, nil, nil, 0) }
        return Descriptor(
            owning: try systemCall("fsmount", "overlay") { fsmount(number, UInt32(FSMOUNT_CLOEXEC), 0) })
    }
}
