// A finished image's tree, as files of a directory outside or as what a packer makes of it.
import BerthLinux
import BerthModel

package enum TreeOutput {
    /// - Parameters:
    ///   - lowers: layers, uppermost first.
    ///   - empty: a directory that stands for a tree without layers.
    package static func open(lowers: [String], empty: String) throws(SystemError) -> SharedDescriptor {
        if lowers.isEmpty { return SharedDescriptor(try Directory.open(empty, flags: FileFlags.directory)) }
        if lowers.count == 1 {
            return SharedDescriptor(try Directory.open(lowers[0], flags: FileFlags.directory))
        }
        var trees: [SharedDescriptor] = []
        for lower in lowers { trees.append(SharedDescriptor(try Directory.open(lower, flags: FileFlags.pathOnly))) }
        return SharedDescriptor(try DetachedMount.overlay(lowers: trees.map { "/proc/self/fd/\($0.number)" }))
    }

    /// Copies everything into a directory, over what is there; all of it belongs to the caller then, as an image's
    /// users mean nothing outside of it. Links of the directory lead nowhere else.
    package static func copy(_ tree: SharedDescriptor, into directory: SharedDescriptor) throws {
        var request = CopyRequest(sources: ["/"], destination: "/")
        request.owner = .root
        try CopyWriter(root: directory).write(
            try CopySelection(request, from: .image(tree, title: "the image")))
    }
}
