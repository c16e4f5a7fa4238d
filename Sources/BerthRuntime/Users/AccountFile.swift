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

    func makeIterator() -> Iterator { Iterator(content: content, fields: fields) }

    struct Iterator: IteratorProtocol {
        fileprivate let content: [UInt8]
        fileprivate let fields: Int
        private var begin = 0

        fileprivate init(content: [UInt8], fields: Int) {
            self.content = content
            self.fields = fields
        }

        mutating func next() -> [String]? {
            while begin < content.count {
                let end = ByteSearch.index(of: 0x0A, in: content, from: begin)
                let line = begin..<end
                begin = end + 1
                guard line.count <= AccountFile.lineBytesMax,
                    ByteSearch.count(of: 0x3A, in: content, line) >= fields - 1
                else { continue }
                return parts(line)
            }
            return nil
        }

        private func parts(_ line: Range<Int>) -> [String] {
            var found: [String] = []
            var start = line.lowerBound
            while true {
                let end = Swift.min(ByteSearch.index(of: 0x3A, in: content, from: start), line.upperBound)
                found.append(String(decoding: content[start..<end], as: UTF8.self))
                if end == line.upperBound { return found }
                start = end + 1
            }
        }
    }
}
