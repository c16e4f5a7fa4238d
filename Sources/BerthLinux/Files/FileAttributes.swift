// Extended attributes by descriptor.
import CLinux

package enum FileAttributes {
    private static let listBytesMax = 65536
    private static let valueBytesMax = 65536

    /// The names of an open file's attributes, in the order of their bytes. A file system without any has none.
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
        .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// One that is there; that it is not is an error.
    package static func value(_ file: Int32, _ name: String) throws(SystemError) -> [UInt8] {
        var value = [UInt8](repeating: 0, count: valueBytesMax)
        let size = try systemCall("fgetxattr", name) { fgetxattr(file, name, &value, valueBytesMax) }
        return Array(value[..<size])
    }
}
