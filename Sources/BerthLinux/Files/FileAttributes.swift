// Extended attributes by descriptor.
import CLinux

package enum FileAttributes {
    private static let listBytesMax = 65536

    /// The names of an open file's attributes, sorted. A file system without any has none.
    package static func names(_ file: Int32) throws(SystemError) -> [String] {
        var buffer = [CChar](repeating: 0, count: 1024)
        var size = flistxattr(file, &buffer, buffer.count)
        if size < 0 && lastErrno == ERANGE {
            buffer = [CChar](repeating: 0, count: listBytesMax)
            size = flistxattr(file, &buffer, buffer.count)
        }
        if size < 0 {
            if lastErrno == EOPNOTSUPP { return [] }
            throw SystemError(call: "flistxattr", errno: lastErrno)
        }
        return buffer[..<size].split(separator: 0).map {
            String(decoding: $0.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
        .sorted()
    }
}
