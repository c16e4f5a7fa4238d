// Where on the disk new trees go.
import CLinux

package enum DiskPlacement {
    private static let getFlags: UInt = 0x8008_6601
    private static let setFlags: UInt = 0x4008_6602
    private static let topDirectory: UInt32 = 0x0002_0000

    /// Directories that are made in this one have nothing to do with each other, and need not lie together.
    ///
    /// Otherwise ext4 puts every new tree where the last one was. Where that has just been removed, it goes through all
    /// the inodes that it does not give out again for a while, for every file: a layer of ten thousand files takes five
    /// times as long. Other file systems know no such thing, and need none.
    package static func spreadDirectories(in path: String) {
        var flags: UInt32 = 0
        // Ignored: it is a hint.
        guard let directory = try? Directory.open(path, flags: FileFlags.directory),
            clinux_ioctl_pointer(directory.number, getFlags, &flags) == 0, flags & topDirectory == 0
        else { return }
        flags |= topDirectory
        _ = clinux_ioctl_pointer(directory.number, setFlags, &flags)
    }
}
