// `image build -`: what comes on standard input is a Dockerfile alone, or a whole context as a tar.
import BerthLinux
import BerthModel

enum StandardInputContext {
    case dockerfile(String)
    /// A file of ours that is to be removed.
    case archive(path: String)

    private static let dockerfileBytesMax = 1 << 20
    /// What compressed files begin with, and a tar at 257.
    private static let magics: [(offset: Int, bytes: [UInt8])] = [
        (0, [0x1F, 0x8B, 0x08]), (0, Array("BZh".utf8)), (0, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]),
        (0, [0x28, 0xB5, 0x2F, 0xFD]), (257, Array("ustar".utf8)),
    ]

    static func read() throws -> StandardInputContext {
        var start: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var isOver = false
        while start.count < 512 && !isOver {
            let count = try FileIO.readSome(0, &buffer)
            isOver = count == 0
            start += buffer[..<count]
        }
        let isArchive = magics.contains { start.dropFirst($0.offset).starts(with: $0.bytes) }
        if !isArchive {
            let rest = isOver ? [] : try FileIO.read(number: 0, limit: dockerfileBytesMax)
            return .dockerfile(String(decoding: start + rest, as: UTF8.self))
        }
        let path = try ArchivePath.temporary()
        do {
            let file = try Directory.open(path, flags: FileFlags.writeNew, mode: 0o600)
            try FileIO.write(file, start)
            while !isOver {
                let count = try FileIO.readSome(0, &buffer)
                isOver = count == 0
                try FileIO.write(file, Array(buffer[..<count]))
            }
        } catch {
            try? Directory.remove(path)
            throw error
        }
        return .archive(path: path)
    }
}
