// Layers of a build, packed by the room that knows tar.
import BerthBuild
import BerthModel
import BerthStore
import BerthTransfer

struct TarPacker: LayerPacker {
    func pack(_ diff: String, timestampMax: Int64?) throws -> PackedLayer {
        let (diffID, sizeBytes) = try LayerPack.digest(of: diff, timestampMax: timestampMax)
        return PackedLayer(diffID: diffID, sizeBytes: sizeBytes)
    }
}
