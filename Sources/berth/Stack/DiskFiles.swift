// The loader's view of the disk, with the caller's rights.
import BerthLinux
import BerthLoader
import BerthModel

struct DiskFiles: FileSource {
    private static let bytesMax = 16 << 20

    func read(_ path: String) throws -> [UInt8] {
        do { return try FileIO.read(path, limit: DiskFiles.bytesMax) } catch {
            throw BerthError(.notFound, "reading \(path)", subject: path, cause: error.reason)
        }
    }

    func isFile(_ path: String) -> Bool { (try? FileStatus.of(path))?.kind == .regular }
    func exists(_ path: String) -> Bool { (try? FileStatus.of(path)) != nil }
    func readStandardInput() throws -> [UInt8] { try FileIO.read(number: 0, limit: DiskFiles.bytesMax) }
}
