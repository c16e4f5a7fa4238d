// Layers of a build, packed by the room that knows tar.
import BerthBuild
import BerthModel
import BerthStore
import BerthTransfer

struct TarPacker: LayerPacker {
    func unpack(_ file: Int32, into directory: String) throws -> Bool {
        try ArchiveExtract.run(file, into: directory)
    }

    func pack(_ diff: String) throws -> PackedLayer {
        let (diffID, sizeBytes) = try LayerPack.digest(of: diff)
        return PackedLayer(diffID: diffID, sizeBytes: sizeBytes)
    }
}
