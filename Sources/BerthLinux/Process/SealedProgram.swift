// A program that nobody can change while it runs, least of all what it starts.

/// The program of a process that containers can see as `/proc/PID/exe`: reached by that name, it must not be writable
/// (CVE-2019-5736).
package enum SealedProgram {
    /// A descriptor to execute through `/proc/self/fd/N`: the file by a read-only mount of its own, which is nowhere in
    /// any tree and costs nothing; where mounts are not allowed, a copy of it in sealed memory.
    package static func open(_ path: String, sizeMaxBytes: Int = 256 << 20) throws(SystemError) -> Descriptor {
        // Missing or unreadable is said of the file, not of a mount.
        let file = try Directory.open(path)
        do {
            let mount = try DetachedMount.clone(path, recursive: false)
            try DetachedMount.setAttributes(mount.number, set: .readOnly, recursive: false, subject: path)
            return mount
        } catch {
            return try FileIO.sealedMemory(
                "program", try FileIO.read(number: file.number, limit: sizeMaxBytes), executable: true)
        }
    }
}
