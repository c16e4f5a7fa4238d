// The file system of a process that talks to strangers: what it has to read, the directory that is its own, no more.
import CLinux

/// A root of its own in a mount namespace of its own. What is not in it cannot be read, written or connected to: no
/// file of root's, and no socket of a service's either, which a read-only mount would not keep anybody from.
package enum NarrowRoot {
    /// Programs and what they are made of.
    private static let programs = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store"]
    /// Of /etc what finding and trusting a server takes; the rest, such as passwords and keys, is nobody's business.
    private static let settings = [
        "ssl", "pki", "ca-certificates", "static", "resolv.conf", "hosts", "nsswitch.conf", "host.conf", "gai.conf",
        "services", "protocols", "passwd", "ld.so.cache", "localtime",
    ].map { "/etc/\($0)" }
    private static let devices = ["/dev/null", "/dev/zero", "/dev/random", "/dev/urandom"]
    /// Covered while the root is put together, and nowhere afterwards. Every host has it.
    private static let staging = "/proc"

    /// Call it before the process has a second thread and while it has its rights.
    ///
    /// - Parameters:
    ///   - readable: more directories that can be read.
    ///   - writable: directories that can be written.
    package static func enter(readable: [String] = [], writable: [String] = []) throws(SystemError) {
        try systemCall("unshare") { unshare(Int32(CLONE_NEWNS)) }
        let host = try Directory.open("/", flags: O_PATH | O_DIRECTORY)
        // Nothing that happens here may reach the host's tree.
        try DetachedMount.setAttributes(
            host.number, set: [], propagation: UInt64(MS_PRIVATE), recursive: true, subject: "/")
        let fixed: MountAttributes = [.readOnly, .noSetUserID]
        // All of them before the first is covered.
        var parts: [(path: String, mount: SharedDescriptor, isDirectory: Bool)] = []
        var links: [(path: String, target: String)] = []
        for path in programs + settings + readable + devices + writable {
            guard let status = try? FileStatus.of(path, following: false) else { continue }
            if status.kind == .symbolicLink && programs.contains(path) {
                links.append((path, try Directory.readLink(path)))
                continue
            }
            let isOwn = writable.contains(path)
            guard let real = try? FileStatus.of(path) else { continue }
            let mount = SharedDescriptor(try DetachedMount.clone(path, recursive: !isOwn))
            let attributes =
                isOwn ? [.noSetUserID, .noDevices, .noExecute] : devices.contains(path) ? fixed : [fixed, .noDevices]
            try DetachedMount.setAttributes(mount.number, set: attributes, recursive: !isOwn, subject: path)
            parts.append((path, mount, real.kind == .directory))
        }
        // Threads are counted by their own files there; of other processes it shows none, and nothing of the kernel's.
        let own = SharedDescriptor(
            try DetachedMount.make(
                "proc", options: ["subset=pid", "hidepid=ptraceable"],
                attributes: [.readOnly, .noSetUserID, .noDevices, .noExecute]))
        parts.append(("/proc", own, true))
        let base = try DetachedMount.make(
            "tmpfs", options: ["mode=0755", "size=1m", "nr_inodes=1000"], attributes: [.noSetUserID, .noDevices])
        let place = try Directory.open(staging, flags: O_PATH | O_DIRECTORY)
        try DetachedMount.attach(base.number, at: place.number, subject: staging)
        let root = LaunchRoot(base: base)
        for (path, target) in links {
            let (parent, name) = LaunchRoot.split(path)
            let above = try Directory.makeDirectories(inRootNumber: root.base.number, parent)
            try NewEntry.symbolicLink(in: above.number, name, to: target)
        }
        for (path, mount, isDirectory) in parts {
            let destination = try root.destination(path, isDirectory: isDirectory)
            try DetachedMount.attach(mount.number, at: destination.number, subject: path)
        }
        try DetachedMount.setAttributes(root.base.number, set: .readOnly, recursive: false, subject: "/")
        try pivot(to: root.base.number)
    }

    /// `pivot_root(".", ".")`: the old root is stacked on the new one and taken away.
    private static func pivot(to root: Int32) throws(SystemError) {
        try systemCall("fchdir") { fchdir(root) }
        try systemCall("pivot_root") { clinux_pivot_root(".", ".") }
        try systemCall("umount2") { umount2(".", Int32(MNT_DETACH)) }
        try systemCall("chdir") { chdir("/") }
    }
}
