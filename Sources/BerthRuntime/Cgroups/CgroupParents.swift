// `cgroup_parent`: groups elsewhere than below berth's own, and the way to them.
import BerthLinux
import BerthModel

/// Where a service wants its containers' groups: a path in every hierarchy.
package enum CgroupParent {
    /// Directories from the hierarchies' roots. An absolute wish is taken from the root, any other is below berth's own
    /// group; a slice's name is that slice where systemd runs.
    package static func path(_ wish: String, own: String, hasSystemd: Bool, service: String) throws -> String {
        let components = wish.split(separator: "/").map(String.init).filter { $0 != "." }
        guard !components.isEmpty, wish.utf8.count <= 1024,
            components.allSatisfy({ $0 != ".." && $0.utf8.count <= 255 && !$0.contains("\0") && !$0.contains("\n") })
        else {
            throw BerthError(
                .invalid, "placing the control group", subject: service, cause: "cgroup_parent \"\(wish)\" is no path",
                hint: "write a path without \"..\", such as /limited, or the name of a slice")
        }
        if hasSystemd, components.count == 1, !wish.hasPrefix("/"), let slice = slicePath(components[0]) {
            return slice
        }
        return (wish.hasPrefix("/") ? components : [own] + components).joined(separator: "/")
    }

    /// `a-b.slice` lies in `a.slice` (systemd.slice(5)); nil: it is no slice's name.
    static func slicePath(_ name: String) -> String? {
        guard name.hasSuffix(".slice") else { return nil }
        let parts = name.dropLast(6).split(separator: "-", omittingEmptySubsequences: false)
        guard !parts.isEmpty, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        return parts.indices.map { parts[...$0].joined(separator: "-") + ".slice" }.joined(separator: "/")
    }
}

/// The groups between a hierarchy's root and a container's own.
enum CgroupAncestors {
    /// On groups that berth made, so that it removes no others.
    private static let mark = "trusted.berth"

    /// Makes those that are missing, outermost first, and hands each path over.
    static func make(_ root: String, _ parent: String, each: (String) throws -> Void = { _ in }) throws {
        for path in paths(root, parent) {
            if (try? FileStatus.of(path)) == nil {
                try Directory.make(path, mode: 0o755)
                // Ignored: without its mark a group stays, which harms nobody.
                if let made = try? Directory.open(path) { try? NewEntry.setAttribute(made.number, mark, []) }
            }
            try each(path)
        }
    }

    /// Removes the marked ones that are empty, innermost first. Busy: somebody still needs it.
    static func remove(_ root: String, _ parent: String) {
        for path in paths(root, parent).reversed() {
            guard let group = try? Directory.open(path), NewEntry.attribute(group.number, mark) != nil,
                (try? Directory.removeEmpty(path)) != nil
            else { return }
        }
    }

    static func paths(_ root: String, _ parent: String) -> [String] {
        let components = parent.split(separator: "/")
        return components.indices.map { "\(root)/" + components[...$0].joined(separator: "/") }
    }
}
