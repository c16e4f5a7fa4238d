// The layers below the one that is being unpacked, looked at as the overlay will.
import BerthLinux
import BerthModel

/// Nearest layer first. Nothing here follows a symbolic link.
final class LowerLayers {
    /// Asked for when the first question comes: layers below may still be on their way.
    private let open: () throws -> [SharedDescriptor]
    private lazy var opened: Result<[SharedDescriptor], any Error> = Result { try open() }
    /// The answer, even "nothing", is part of what was unpacked: above other layers it may differ.
    private(set) var wasAsked = false

    init(_ open: @escaping () throws -> [SharedDescriptor]) { self.open = open }

    struct Found {
        var directory: SharedDescriptor
        var name: String
        var status: FileStatus
    }

    /// What the layers show at a path of real directories; nil: nothing.
    func find(_ path: [String]) throws -> Found? {
        wasAsked = true
        var candidates = try opened.get()
        for (index, name) in path.enumerated() {
            var shown: Found?
            var next: [SharedDescriptor] = []
            let above = path[..<index].joined(separator: "/")
            for root in candidates {
                // Ignored: a layer that cannot be asked shows nothing here.
                guard let directory = try? Directory.open(inRootNumber: root.number, above, flags: FileFlags.directory),
                    let status = try? FileStatus.of(name, in: directory.number)
                else { continue }
                if status.isWhiteout { break }
                let holder = SharedDescriptor(directory)
                if shown == nil { shown = Found(directory: holder, name: name, status: status) }
                guard status.kind == .directory else { break }
                next.append(root)
                if LowerLayers.isOpaque(holder, name) { break }
            }
            guard let shown else { return nil }
            if index == path.count - 1 { return shown }
            guard shown.status.kind == .directory else { return nil }
            candidates = next
        }
        return nil
    }

    private static func isOpaque(_ parent: SharedDescriptor, _ name: String) -> Bool {
        guard let directory = try? Directory.open(inRootNumber: parent.number, name, flags: FileFlags.directory) else {
            return false
        }
        return NewEntry.attribute(directory.number, LayerTree.opaqueAttribute) == Array("y".utf8)
    }

    /// Every name at the top of any layer, shown or not.
    func topNames() throws -> Set<String> {
        wasAsked = true
        var names: Set<String> = []
        for root in try opened.get() {
            if let directory = try? Directory.open(inRootNumber: root.number, "/", flags: FileFlags.directory) {
                names.formUnion((try? Directory.names(directory)) ?? [])
            }
        }
        return names
    }
}
