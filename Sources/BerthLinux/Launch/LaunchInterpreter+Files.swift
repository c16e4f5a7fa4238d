// File system steps: mounts, nodes, links, masks. Destinations are opened in the root, then used by descriptor alone.
import CLinux

extension LaunchInterpreter {
    mutating func performFileSystemStep(_ step: LaunchStep) throws(SystemError) {
        _ = try rootNumber()
        switch step {
        case .mount(let type, let target, let options, let attributes):
            let mount = try DetachedMount.make(
                type, options: options, attributes: MountAttributes(rawValue: attributes))
            let place = try withRoot { root throws(SystemError) in try root.directory(target) }
            try LaunchRoot.refuseProcess(place.number, target, type: type)
            try DetachedMount.attach(mount.number, at: place.number, subject: target)
        case .attach(let number, let target, let isDirectory, let attributes, let propagation):
            let mount = try slot(number)
            let place = try withRoot { root throws(SystemError) in
                try root.destination(target, isDirectory: isDirectory)
            }
            try LaunchRoot.refuseProcess(place.number, target)
            try DetachedMount.attach(mount, at: place.number, subject: target)
            if attributes != 0 || propagation != 0 {
                try DetachedMount.setAttributes(
                    mount, set: MountAttributes(rawValue: attributes), propagation: propagation, recursive: true,
                    subject: target)
            }
        case .makeDirectory(let target, let mode):
            let made = try Directory.makeDirectories(inRootNumber: rootNumber(), target, mode: mode)
            _ = made.number
        case .makeFile(let target, let mode, let content, let userID, let groupID):
            try makeFile(target, mode: mode, content: content, userID: userID, groupID: groupID)
        case .makeNode(let target, let kind, let mode, let major, let minor, let userID, let groupID):
            let parent = try withRoot { root throws(SystemError) in try root.parent(of: target) }
            let name = LaunchRoot.split(target).name
            let type = UInt32(kind == UInt8(ascii: "b") ? S_IFBLK : S_IFCHR)
            let device = clinux_makedev(major, minor)
            try systemCall("mknodat", target) { mknodat(parent.number, name, type | mode, device) }
            try systemCall("fchownat", target) { fchownat(parent.number, name, userID, groupID, AT_SYMLINK_NOFOLLOW) }
            // The mask of whoever started us has cut the mode.
            try systemCall("fchmodat", target) { fchmodat(parent.number, name, mode, 0) }
        case .symlink(let target, let to):
            let parent = try withRoot { root throws(SystemError) in try root.parent(of: target) }
            try systemCall("symlinkat", target) { symlinkat(to, parent.number, LaunchRoot.split(target).name) }
        case .mask(let target):
            try mask(target)
        case .readOnly(let target):
            try makeReadOnly(target)
        case .setAttributes(let target, let attributes):
            let place = try withRoot { root throws(SystemError) in try root.existing(target) }
            try DetachedMount.setAttributes(
                place.number, set: MountAttributes(rawValue: attributes), recursive: false, subject: target)
        default:
            let number = try rootNumber()
            try DetachedMount.setAttributes(number, set: .readOnly, recursive: false, subject: "/")
        }
    }

    func withRoot(_ body: (borrowing LaunchRoot) throws(SystemError) -> Descriptor) throws(SystemError) -> Descriptor {
        switch root {
        case .some(let root): return try body(root)
        case .none: throw SystemError(call: "open", errno: ENOENT, subject: "root")
        }
    }

    private func makeFile(_ target: String, mode: UInt32, content: [UInt8], userID: UInt32, groupID: UInt32)
        throws(SystemError)
    {
        let parent = try withRoot { root throws(SystemError) in try root.parent(of: target) }
        let name = LaunchRoot.split(target).name
        let number = clinux_openat(parent.number, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)
        if number < 0 {
            if lastErrno == EEXIST { return }
            throw SystemError(call: "openat", errno: lastErrno, subject: target)
        }
        let file = Descriptor(owning: number)
        try FileIO.write(file, content)
        try systemCall("fchown", target) { fchown(number, userID, groupID) }
        try systemCall("fchmod", target) { fchmod(number, mode) }
    }

    /// Files are covered by a null device, verified by its numbers; directories by an empty tmpfs.
    private mutating func mask(_ target: String) throws(SystemError) {
        guard isThere(target) else { return }
        let place = try withRoot { root throws(SystemError) in try root.existing(target) }
        var status = stat()
        try systemCall("fstat", target) { fstat(place.number, &status) }
        if FileKind(status) == .directory {
            let empty = try DetachedMount.make(
                "tmpfs", options: ["nr_blocks=1", "nr_inodes=2", "mode=555"],
                attributes: [.readOnly, .noSetUserID, .noDevices])
            try DetachedMount.attach(empty.number, at: place.number, subject: target)
            return
        }
        let cover = try cleanNull()
        try DetachedMount.attach(cover.number, at: place.number, subject: target)
    }

    /// A null device to mask with: the container's own if its numbers say that it is one, or else the host's.
    private mutating func cleanNull() throws(SystemError) -> Descriptor {
        do throws(SystemError) {
            let own = try withRoot { root throws(SystemError) in try root.existing("/dev/null") }
            if LaunchInterpreter.isNull(own.number) { return try DetachedMount.clone(of: own.number, recursive: false) }
        } catch {
            // None, or a link: the host's serves as well.
        }
        guard let number = nullDevice?.number, LaunchInterpreter.isNull(number) else {
            throw SystemError(call: "fstat", errno: EINVAL, subject: "/dev/null")
        }
        return try DetachedMount.clone(of: number, recursive: false)
    }

    private static func isNull(_ number: Int32) -> Bool {
        var found = stat()
        return fstat(number, &found) == 0 && FileKind(found) == .characterDevice && clinux_major(found.st_rdev) == 1
            && clinux_minor(found.st_rdev) == 3
    }

    private func isThere(_ target: String) -> Bool {
        switch root {
        case .some(let root): Directory.existsWithoutFollowing(inRootNumber: root.base.number, target)
        case .none: false
        }
    }

    private func makeReadOnly(_ target: String) throws(SystemError) {
        guard isThere(target) else { return }
        let place = try withRoot { root throws(SystemError) in try root.existing(target) }
        let copy = try DetachedMount.clone(of: place.number, recursive: true)
        try DetachedMount.setAttributes(copy.number, set: .readOnly, recursive: true, subject: target)
        try DetachedMount.attach(copy.number, at: place.number, subject: target)
    }
}
