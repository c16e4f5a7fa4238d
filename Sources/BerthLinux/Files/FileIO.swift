// Whole files and whole buffers: bounded reads, complete writes, replacement that survives a power cut.
import CLinux

package enum FileIO {
    /// Reads to the end; more than `limit` bytes is EFBIG.
    package static func read(_ file: borrowing Descriptor, limit: Int) throws(SystemError) -> [UInt8] {
        try read(number: file.number, limit: limit)
    }

    package static func read(number: Int32, limit: Int) throws(SystemError) -> [UInt8] {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: min(limit + 1, 65536))
        while true {
            let count = try systemCall("read") {
                chunk.withUnsafeMutableBytes { CLinux.read(number, $0.baseAddress, $0.count) }
            }
            if count == 0 { return content }
            content.append(contentsOf: chunk[..<count])
            if content.count > limit { throw SystemError(call: "read", errno: EFBIG) }
        }
    }

    package static func read(_ path: String, limit: Int = 16 << 20) throws(SystemError) -> [UInt8] {
        do {
            return try read(Directory.open(path), limit: limit)
        } catch {
            throw SystemError(call: error.call, errno: error.errno, subject: path)
        }
    }

    package static func readText(_ path: String, limit: Int = 16 << 20) throws(SystemError) -> String {
        String(decoding: try read(path, limit: limit), as: UTF8.self)
    }

    /// Writes all of it, however often the kernel takes less.
    package static func write(_ file: borrowing Descriptor, _ bytes: [UInt8]) throws(SystemError) {
        try write(number: file.number, bytes)
    }

    package static func write(number: Int32, _ bytes: [UInt8]) throws(SystemError) {
        var offset = 0
        while offset < bytes.count {
            offset += try systemCall("write") {
                bytes.withUnsafeBytes {
                    CLinux.write(number, $0.baseAddress?.advanced(by: offset), bytes.count - offset)
                }
            }
        }
    }

    /// One read into a buffer; 0 at the end.
    package static func readSome(_ number: Int32, _ buffer: inout [UInt8]) throws(SystemError) -> Int {
        let capacity = buffer.count
        return try systemCall("read") {
            buffer.withUnsafeMutableBytes { CLinux.read(number, $0.baseAddress, capacity) }
        }
    }

    /// The first bytes of an open file, fewer where it is shorter; the offset moves.
    package static func readStart(_ number: Int32, count: Int) throws(SystemError) -> [UInt8] {
        var start: [UInt8] = []
        while start.count < count {
            var chunk = [UInt8](repeating: 0, count: count - start.count)
            let got = try readSome(number, &chunk)
            if got == 0 { break }
            start += chunk[..<got]
        }
        return start
    }

    package static func write(number: Int32, _ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        var offset = 0
        while offset < bytes.count {
            offset += try systemCall("write") {
                CLinux.write(number, bytes.baseAddress?.advanced(by: offset), bytes.count - offset)
            }
        }
    }

    /// One `write` to an existing file: control groups, sysctls and other kernel files take a value whole or not at
    /// all.
    package static func writeKernel(_ path: String, _ value: String) throws(SystemError) {
        let file = try Directory.open(path, flags: O_WRONLY)
        let bytes = Array(value.utf8)
        try systemCall("write", path) { bytes.withUnsafeBytes { CLinux.write(file.number, $0.baseAddress, $0.count) } }
    }

    /// Replaces a file: temporary name, fsync, rename, fsync of the directory. Readers see the old or the new content.
    package static func replace(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o600, durable: Bool = true)
        throws(SystemError)
    {
        let temporary = path + ".new"
        do {
            let file = try Directory.open(temporary, flags: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode)
            try write(file, bytes)
            if durable { try systemCall("fsync", temporary) { fsync(file.number) } }
        } catch {
            unlink(temporary)
            throw error
        }
        try systemCall("rename", path) { rename(temporary, path) }
        if durable { try syncParent(of: path) }
    }

    /// Makes an open file's content durable.
    package static func sync(_ number: Int32) throws(SystemError) { try systemCall("fsync") { fsync(number) } }

    /// Makes a rename or creation in the file's directory durable.
    package static func syncParent(of path: String) throws(SystemError) {
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let directory = try Directory.open(parent.isEmpty ? "/" : parent, flags: O_RDONLY | O_DIRECTORY)
        try systemCall("fsync", parent) { fsync(directory.number) }
    }

    /// A descriptor over bytes in memory, readable from its start, sealed against every change.
    package static func sealedMemory(_ name: String, _ bytes: [UInt8], executable: Bool = false) throws(SystemError)
        -> Descriptor
    {
        // 0x10 is MFD_EXEC, newer than the C library.
        let flags = UInt32(MFD_ALLOW_SEALING | MFD_CLOEXEC) | (executable ? 0x10 : 0)
        var number = memfd_create(name, flags)
        if number < 0 && executable { number = memfd_create(name, UInt32(MFD_ALLOW_SEALING | MFD_CLOEXEC)) }
        guard number >= 0 else { throw SystemError(call: "memfd_create", errno: lastErrno, subject: name) }
        let memory = Descriptor(owning: number)
        try write(memory, bytes)
        try systemCall("fcntl", "F_ADD_SEALS") {
            clinux_fcntl(number, F_ADD_SEALS, Int(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE))
        }
        lseek(number, 0, SEEK_SET)
        return memory
    }
}

/// An advisory lock on a whole file, held by the open descriptor.
package struct FileLock: ~Copyable, Sendable {
    package let descriptor: Descriptor

    package init(adopting descriptor: consuming Descriptor) { self.descriptor = descriptor }

    /// Waits for whoever holds it.
    package static func take(_ path: String) throws(SystemError) -> FileLock {
        let file = try Directory.open(path, flags: O_RDWR | O_CREAT, mode: 0o600)
        try systemCall("flock", path) { flock(file.number, LOCK_EX) }
        return FileLock(adopting: file)
    }

    /// Nil when somebody else holds it.
    package static func tryTake(_ path: String) throws(SystemError) -> FileLock? {
        let file = try Directory.open(path, flags: O_RDWR | O_CREAT, mode: 0o600)
        if flock(file.number, LOCK_EX | LOCK_NB) == 0 { return FileLock(adopting: file) }
        if lastErrno == EWOULDBLOCK { return nil }
        throw SystemError(call: "flock", errno: lastErrno, subject: path)
    }
}
