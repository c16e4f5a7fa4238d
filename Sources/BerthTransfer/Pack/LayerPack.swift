// A layer's tree as a tar stream: the same tree, the same bytes, whenever and wherever it is packed.
import BerthLinux
import BerthModel
import BerthStore

package enum LayerPack {
    /// The digest of the stream, and its size.
    package static func digest(of diff: String) throws -> (diffID: Digest, sizeBytes: Int64) {
        var hash = ContentHash()
        try write(diff) { hash.update($0) }
        return (hash.finish(), hash.byteCount)
    }

    /// - Parameter diff: an overlay's upper directory, as it was left.
    package static func write(_ diff: String, to sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        let root = try Directory.open(diff, flags: FileFlags.directory)
        try walk(root.number, .layer, to: sink)
    }

    /// What a container has changed: without the places that were made for what berth mounts into every container.
    static func writeChanges(_ upper: String, to sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        let root = try Directory.open(upper, flags: FileFlags.directory)
        let places = ["etc/hosts", "etc/hostname", "etc/resolv.conf", "dev", "proc", "sys"].map { Array($0.utf8) }
        try walk(root.number, .layer, leavingOut: Set(places), to: sink)
    }

    /// Writes what a layer's descriptor says, or throws; what was written by then is of no use.
    static func write(
        _ diff: String, as digest: Digest, sizeBytes: Int64, to sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var hash = ContentHash()
        try write(diff) { bytes in
            hash.update(bytes)
            if hash.byteCount > sizeBytes { throw changed(digest) }
            try sink(bytes)
        }
        guard hash.byteCount == sizeBytes, hash.finish() == digest else { throw changed(digest) }
    }

    /// A whole root, such as a container's, as it shows: nothing in it means anything to an overlay.
    ///
    /// - Parameter root: a mounted directory, open. What is mounted below it is left out; its place is not.
    package static func writeTree(_ root: Int32, to sink: (UnsafeRawBufferPointer) throws -> Void) throws {
        try walk(root, .tree, to: sink)
    }

    private static func walk(
        _ root: Int32, _ form: PackWalk.Form, leavingOut places: Set<[UInt8]> = [],
        to sink: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        try withoutActuallyEscaping(sink) { sink in
            var walk = try PackWalk(root, form, leavingOut: places, sink: sink)
            try walk.run()
        }
    }

    static func changed(_ digest: Digest) -> BerthError {
        BerthError(
            .corrupt, "packing layer \(digest.short)", subject: "\(digest)",
            cause: "its files are not what they were when it was made", hint: "build the image again")
    }
}
