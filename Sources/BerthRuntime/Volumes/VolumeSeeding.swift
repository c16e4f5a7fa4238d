// An empty volume takes what the image has at its place: content, owners, modes; once.
import BerthLinux
import BerthModel

enum VolumeSeeding {
    /// Copies the image's directory at `target` into an empty volume. A place that the image does not have, or a file
    /// there, seeds nothing.
    static func seed(_ content: String, from target: String, root: SharedDescriptor, volume: String) throws {
        do {
            guard try Directory.names(content).isEmpty else { return }
            let source: Descriptor
            do throws(SystemError) {
                source = try Directory.open(inRootNumber: root.number, target, flags: FileFlags.directory)
            } catch {
                if error.isNotFound { return }
                throw error
            }
            let place = try Directory.open(content, flags: FileFlags.directory)
            try FileCopy.directory(from: source.number, to: place.number)
        } catch {
            throw BerthError(
                .internal, "copying \(target) of the image into volume \(volume)", subject: volume, cause: "\(error)")
        }
    }

    /// A directory inside the volume as a mount of its own: resolved by descriptor and kept as one, so that a link in
    /// the volume leads nowhere else, whoever else is changing it meanwhile.
    static func subpath(_ content: String, _ subpath: String, volume: String) throws -> SharedDescriptor {
        do {
            let base = try Directory.open(content, flags: FileFlags.directory)
            let found = try Directory.open(inRoot: base, subpath, flags: FileFlags.directory)
            return SharedDescriptor(try DetachedMount.clone(of: found.number, recursive: true))
        } catch {
            throw BerthError(
                .notFound, "mounting \(subpath) of volume \(volume)", subject: volume, cause: "\(error)",
                hint: "a subpath must exist in the volume")
        }
    }
}
