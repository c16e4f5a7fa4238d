// `ADD archive`: what is in a tar, by the same hands that unpack layers.
import BerthLinux
import BerthModel

package enum ArchiveExtract {
    /// Begins of what compressors write.
    private static let magics: [[UInt8]] = [
        [0x1F, 0x8B], Array("BZh".utf8), [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], [0x28, 0xB5, 0x2F, 0xFD],
    ]
    private static let tarMagic = (offset: 257, bytes: Array("ustar".utf8))

    /// Unpacks an open file into an empty directory. False: it is no archive, whatever it is called.
    package static func run(_ file: Int32, into directory: String, limits: TransferLimits = TransferLimits()) throws
        -> Bool
    {
        var head = [UInt8](repeating: 0, count: 512)
        let count = try FileIO.readSome(file, &head)
        NewEntry.seek(file, 0)
        let isCompressed = magics.contains { head[..<count].starts(with: $0) }
        let isTar = count == 512 && head[tarMagic.offset...].starts(with: tarMagic.bytes)
        guard isCompressed || isTar else { return false }
        let spool = "\(directory).spool"
        let blob = try Directory.open(spool, flags: FileFlags.create, mode: 0o600)
        try Directory.remove(spool)
        do {
            let stream = try ArchiveStream(source: file, blobFile: blob.number, writesGiven: false, limits: limits)
            defer { stream.stop() }
            let root = try Directory.open(directory, flags: FileFlags.directory)
            let nothing = LowerLayers { [] }
            try LayerUnpack(stream, into: root, above: nothing, limits: limits, warn: { _ in }).run()
            return true
        } catch let error as BerthError {
            // Something compressed that is no tar is a file like any other.
            if error.code == .invalid, try Directory.names(directory).isEmpty { return false }
            throw error
        }
    }
}
