// An image's own passwd or group: read once, bounded, and looked at line by line without keeping what is not wanted.
import BerthLinux
import BerthModel

/// The lines of such a file, split at colons; those that are too long or have too few fields are left out.
struct AccountFile: Sequence {
    private static let bytesMax = 8 << 20
    private static let lineBytesMax = 64 << 10

    private let content: [UInt8]
    private let fields: Int

    init(content: [UInt8], fields: Int) {
        self.content = content
        self.fields = fields
    }

    /// Found inside the root, whatever links say; it must be a regular file of bounded size. Absent: no lines.
    init(_ path: String, root: Int32, fields: Int) throws {
        let file: Descriptor
        do throws(SystemError) {
            file = try Directory.open(inRootNumber: root, path, flags: FileFlags.readNonBlocking)
        } catch {
            if error.isNotFound {
                self.init(content: [], fields: fields)
                return
            }
            throw BerthError(.invalid, "reading \(path) of the image", cause: "\(error)")
        }
        guard try FileStatus.of(file.number).kind == .regular else {
            throw BerthError(.invalid, "reading \(path) of the image", cause: "it is not a regular file")
        }
        do {
            self.init(content: try FileIO.read(file, limit: AccountFile.bytesMax), fields: fields)
        } catch {
            throw BerthError(
                .invalid, "reading \(path) of the image", cause: "it is larger than \(AccountFile.bytesMax) bytes")
        }
    }

    func makeIterator() -> Iterator { Iterator(rest: content[...], fields: fields) }

    struct Iterator: IteratorProtocol {
        fileprivate var rest: ArraySlice<UInt8>
        fileprivate let fields: Int

        mutating func next() -> [String]? {
            while !rest.isEmpty {
                let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
                let line = rest[rest.startIndex..<end]
                rest = rest[Swift.min(end + 1, rest.endIndex)...]
                guard line.count <= AccountFile.lineBytesMax else { continue }
                let parts = line.split(separator: 0x3A, omittingEmptySubsequences: false)
                if parts.count >= fields { return parts.map { String(decoding: $0, as: UTF8.self) } }
            }
            return nil
        }
    }
}
