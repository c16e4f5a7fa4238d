// Named pipes, and directories that must be new: what a runtime keeps beside a container.
import CLinux

package enum Fifo {
    package static func make(_ path: String) throws(SystemError) {
        try systemCall("mkfifo", path) { mkfifo(path, 0o600) }
    }

    /// A writing end; ENXIO where nobody holds the other.
    package static func openWriter(_ path: String) throws(SystemError) -> Descriptor {
        try Directory.open(path, flags: O_WRONLY | O_NONBLOCK | O_NOFOLLOW)
    }
}

extension Directory {
    /// EEXIST where there is anything of that name.
    package static func makeNew(_ path: String, mode: UInt32 = 0o700) throws(SystemError) {
        try systemCall("mkdir", path) { mkdir(path, mode) }
    }

    package static func removeFile(_ path: String) throws(SystemError) {
        if unlink(path) != 0 && lastErrno != ENOENT {
            throw SystemError(call: "unlink", errno: lastErrno, subject: path)
        }
    }
}
