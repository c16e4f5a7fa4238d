// inotify on one directory: something in it was written, made or moved.
import CLinux

package final class DirectoryWatch: Sendable {
    private let descriptor: SharedDescriptor
    package var number: Int32 { descriptor.number }

    package init(_ path: String) throws(SystemError) {
        let made = try systemCall("inotify_init1") { inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK)) }
        descriptor = SharedDescriptor(Descriptor(owning: made))
        let mask = UInt32(IN_MODIFY) | UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_CLOSE_WRITE)
        try systemCall("inotify_add_watch", path) { inotify_add_watch(made, path, mask) }
    }

    /// Takes the events; what happened is found by looking.
    package func drain() {
        var buffer = [UInt8](repeating: 0, count: 16384)
        while read(number, &buffer, buffer.count) > 0 {}
    }
}

package enum FilePosition {
    package static func toEnd(_ number: Int32) { lseek(number, 0, SEEK_END) }
    package static func to(_ number: Int32, _ offsetBytes: Int64) { lseek(number, off_t(offsetBytes), SEEK_SET) }
}
