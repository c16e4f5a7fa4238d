// What a tree takes on the disk: by descriptor, each file once however many names it has, no other file system.
import CLinux

package enum DiskUsage {
    /// Bytes in blocks. What vanishes meanwhile, and what cannot be read, takes nothing.
    package static func bytes(of path: String) -> Int64 {
        guard let directory = try? Directory.open(path, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return 0 }
        var status = stat()
        guard fstat(directory.number, &status) == 0 else { return 0 }
        var counted: Set<UInt64> = []
        return Int64(status.st_blocks) * 512 + bytes(in: directory, device: status.st_dev, &counted, depth: 0)
    }

    private static func bytes(
        in directory: consuming Descriptor, device: dev_t, _ counted: inout Set<UInt64>, depth: Int
    ) -> Int64 {
        guard depth < 1024, let copy = try? directory.duplicate(), let names = try? Directory.names(copy) else {
            return 0
        }
        var sum: Int64 = 0
        for name in names {
            var status = stat()
            guard fstatat(directory.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_dev == device else {
                continue
            }
            if status.st_nlink > 1, FileKind(status) != .directory,
                !counted.insert(UInt64(status.st_ino)).inserted
            {
                continue
            }
            sum += Int64(status.st_blocks) * 512
            guard FileKind(status) == .directory else { continue }
            let number = clinux_openat(directory.number, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0)
            if number < 0 { continue }
            sum += bytes(in: Descriptor(owning: number), device: device, &counted, depth: depth + 1)
        }
        return sum
    }
}
