// Mounts that are descriptors first: made, configured and cloned without a place in any tree, attached by descriptor.
import CLinux

/// Attributes of one mount, as `fsmount(2)` and `mount_setattr(2)` take them.
package struct MountAttributes: OptionSet, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    package static let readOnly = MountAttributes(rawValue: UInt64(MOUNT_ATTR_RDONLY))
    package static let noSetUserID = MountAttributes(rawValue: UInt64(MOUNT_ATTR_NOSUID))
    package static let noDevices = MountAttributes(rawValue: UInt64(MOUNT_ATTR_NODEV))
    package static let noExecute = MountAttributes(rawValue: UInt64(MOUNT_ATTR_NOEXEC))
    package static let noAccessTime = MountAttributes(rawValue: UInt64(MOUNT_ATTR_NOATIME))
    package static let noDirectoryAccessTime = MountAttributes(rawValue: UInt64(MOUNT_ATTR_NODIRATIME))
    package static let strictAccessTime = MountAttributes(rawValue: UInt64(MOUNT_ATTR_STRICTATIME))
}

package enum DetachedMount {
    /// A new file system of a type, not attached anywhere: `fsopen`, `fsconfig`, `fsmount`.
    ///
    /// Options are `key=value` or a flag.
    package static func make(_ type: String, options: [String], attributes: MountAttributes) throws(SystemError)
        -> Descriptor
    {
        let context = Descriptor(owning: try systemCall("fsopen", type) { fsopen(type, UInt32(FSOPEN_CLOEXEC)) })
        for option in options {
            if let equals = option.firstIndex(of: "=") {
                try configure(context, String(option[..<equals]), String(option[option.index(after: equals)...]))
            } else {
                try systemCall("fsconfig", option) {
                    fsconfig(context.number, FSCONFIG_SET_FLAG.rawValue, option, nil, 0)
                }
            }
        }
        try systemCall("fsconfig", type) { fsconfig(context.number, FSCONFIG_CMD_CREATE.rawValue, nil, nil, 0) }
        let mount = try systemCall("fsmount", type) {
            fsmount(context.number, UInt32(FSMOUNT_CLOEXEC), UInt32(attributes.rawValue))
        }
        return Descriptor(owning: mount)
    }

    static func configure(_ context: borrowing Descriptor, _ key: String, _ value: String) throws(SystemError) {
        let number = context.number
        try systemCall("fsconfig", "\(key)=\(value)") { fsconfig(number, FSCONFIG_SET_STRING.rawValue, key, value, 0) }
    }

    /// A detached copy of the mount at a descriptor or path: what a bind mount attaches.
    package static func clone(_ path: String, recursive: Bool) throws(SystemError) -> Descriptor {
        let flags = UInt32(OPEN_TREE_CLONE) | UInt32(O_CLOEXEC) | (recursive ? UInt32(AT_RECURSIVE) : 0)
        return Descriptor(owning: try systemCall("open_tree", path) { open_tree(AT_FDCWD, path, flags) })
    }

    package static func clone(of number: Int32, recursive: Bool) throws(SystemError) -> Descriptor {
        let flags =
            UInt32(OPEN_TREE_CLONE) | UInt32(O_CLOEXEC) | UInt32(AT_EMPTY_PATH) | (recursive ? UInt32(AT_RECURSIVE) : 0)
        return Descriptor(owning: try systemCall("open_tree", "") { open_tree(number, "", flags) })
    }

    /// Attaches a detached mount at an opened destination (O_PATH).
    package static func attach(_ mount: Int32, at destination: Int32, subject: String) throws(SystemError) {
        try systemCall("move_mount", subject) {
            move_mount(mount, "", destination, "", UInt32(MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
        }
    }

    /// Takes the mount at a path out of the tree; it ends when its last user does. The path is not followed if it is a
    /// link.
    package static func detach(_ path: String) throws(SystemError) {
        try systemCall("umount2", path) { umount2(path, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW)) }
    }

    /// Sets attributes, and propagation if not 0, on a mount (and all below it where `recursive`).
    package static func setAttributes(
        _ mount: Int32, set: MountAttributes, clear: MountAttributes = [], propagation: UInt64 = 0, recursive: Bool,
        subject: String
    ) throws(SystemError) {
        var attributes = mount_attr()
        attributes.attr_set = set.rawValue
        attributes.attr_clr = clear.rawValue
        attributes.propagation = propagation
        let flags = UInt32(AT_EMPTY_PATH) | (recursive ? UInt32(AT_RECURSIVE) : 0)
        try systemCall("mount_setattr", subject) {
            mount_setattr(mount, "", flags, &attributes, MemoryLayout<mount_attr>.size)
        }
    }
}
