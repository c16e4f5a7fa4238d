// `--chown`: names and numbers, looked up in the tree that is written to.
import BerthLinux
import BerthModel

enum OwnerNames {
    private static let fileBytesMax = 8 << 20

    /// `user`, `user:group`, each a name or a number. A number alone is the group's too.
    static func resolve(_ text: String, root: Int32) throws -> CopyOwner {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        var owner = CopyOwner(userID: 0, groupID: 0)
        if let number = try number(parts[0], text) {
            owner = CopyOwner(userID: number, groupID: number)
        } else if !parts[0].isEmpty {
            let entry = try entries("/etc/passwd", root, fields: 4).first { $0[0] == parts[0] }
            guard let entry, let userID = UInt32(entry[2]), let groupID = UInt32(entry[3]) else {
                throw BerthError(
                    .notFound, "resolving --chown=\(text)", subject: text,
                    cause: "invalid user index: \(parts[0]): it is not in /etc/passwd of the image",
                    hint: "use a number, or make the user before")
            }
            owner = CopyOwner(userID: userID, groupID: groupID)
        }
        guard parts.count == 2, !parts[1].isEmpty else { return owner }
        if let number = try number(parts[1], text) {
            owner.groupID = number
        } else {
            let entry = try entries("/etc/group", root, fields: 3).first { $0[0] == parts[1] }
            guard let entry, let groupID = UInt32(entry[2]) else {
                throw BerthError(
                    .notFound, "resolving --chown=\(text)", subject: text,
                    cause: "invalid group index: \(parts[1]): it is not in /etc/group of the image",
                    hint: "use a number, or make the group before")
            }
            owner.groupID = groupID
        }
        return owner
    }

    /// Numeric is always numeric, in the range that ids have everywhere else. Nil: a name.
    private static func number(_ part: String, _ text: String) throws -> UInt32? {
        let digits = part.hasPrefix("-") || part.hasPrefix("+") ? part.dropFirst() : part[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        guard let number = UInt32(part), number <= UInt32(Int32.max) else {
            throw BerthError(
                .invalid, "resolving --chown=\(text)", subject: text,
                cause: "ids must be in the range 0-\(Int32.max), and \"\(part)\" is not")
        }
        return number
    }

    private static func entries(_ path: String, _ root: Int32, fields: Int) throws -> [[String]] {
        let file: Descriptor
        do throws(SystemError) {
            file = try Directory.open(inRootNumber: root, path, flags: FileFlags.readNonBlocking)
        } catch {
            if error.isNotFound { return [] }
            throw error
        }
        guard try FileStatus.of(file.number).kind == .regular else { return [] }
        return try FileIO.read(file, limit: fileBytesMax).split(separator: 0x0A).map { line in
            line.split(separator: 0x3A, omittingEmptySubsequences: false).map { String(decoding: $0, as: UTF8.self) }
        }.filter { $0.count >= fields }
    }
}
